//! Checks the scripts and hooks of schema files without dbt: their form, and whether their files
//! exist.
//!
//! It does not see values made by Jinja, a model's `config()`, and files of packages.

use std::fs;

use super::{
    entry::ScriptOwner,
    global::global_scripts,
    meta::{CODE, MODEL_KEYS, Meta},
    place::Place,
};
use crate::{
    config::{
        DbtProject,
        yaml::{Kind, Node},
    },
    diagnostics::FileDiagnostic,
    schemas::{self, SchemaFile},
};

/// The lists of a schema file whose entries can have scripts, and the word for one entry.
const LISTS: [(&str, &str); 3] = [
    ("models", "model"),
    ("seeds", "seed"),
    ("snapshots", "snapshot"),
];

/// Returns all problems with the scripts of these schema files (paths below the project), and with
/// global scripts.
pub fn script_problems(
    project: &DbtProject,
    schema_files: &[String],
    keyword: &str,
) -> Vec<FileDiagnostic> {
    let mut problems = match global_scripts(project, keyword) {
        Ok(found) => {
            let missing = found
                .scripts
                .iter()
                .filter_map(|(_, entry, owner)| missing(project, &entry.path, owner));
            missing.chain(found.warnings).collect()
        }
        Err(problems) => problems,
    };
    let schemas = schemas::read(project, schema_files);
    for schema in schemas
        .iter()
        .filter(|schema| schema.text.contains(keyword))
    {
        problems.extend(problems_in_schema(project, schema, keyword));
    }
    problems
}

fn problems_in_schema(
    project: &DbtProject,
    schema: &SchemaFile,
    keyword: &str,
) -> Vec<FileDiagnostic> {
    let Some(tree) = schema.tree() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (list, kind) in LISTS {
        for (name, entry) in schemas::named(&tree, list) {
            let owner = ScriptOwner {
                name: Some(name.to_owned()),
                kind: kind.to_owned(),
                file: schema.path.clone(),
            };
            if let Some(value) = under(entry, keyword)
                .map(Node::json)
                .filter(|value| !value.to_string().contains("{{"))
            {
                let mut meta = Meta::new(CODE, keyword, Place::new(&project.root, &owner));
                let scripts = meta.read(&value, &MODEL_KEYS);
                problems.append(&mut meta.problems);
                problems.extend(
                    scripts
                        .iter()
                        .filter_map(|(_, entry)| missing(project, &entry.path, &owner)),
                );
            }
        }
    }
    problems
}

/// Returns the value under the keyword. `config.meta` comes before `meta`, as in dbt.
fn under<'a>(entry: &'a Node, keyword: &str) -> Option<&'a Node> {
    let in_config = entry
        .get("config")
        .and_then(|config| config.get("meta")?.get(keyword));
    in_config
        .or_else(|| entry.get("meta")?.get(keyword))
        .filter(|node| !matches!(node.kind, Kind::Null))
}

fn missing(project: &DbtProject, written: &str, owner: &ScriptOwner) -> Option<FileDiagnostic> {
    let path = project.script_path(written);
    let is_there = fs::metadata(project.root.join(&path)).is_ok_and(|file| file.is_file());
    (!is_there).then(|| super::reader::missing(project, written, &path, owner))
}
