//! Global scripts: `fal: scripts:` at the top level of schema files that are directly in a model
//! path.

use std::{fs, path::Path};

use fal_plugin::payload::ScriptRole;

use super::{
    entry::{ScriptEntry, ScriptOwner},
    meta::{CODE, Meta},
    place::Place,
};
use crate::{
    config::{DbtProject, yaml},
    diagnostics::FileDiagnostic,
};

/// Scripts that belong to no model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GlobalScripts {
    /// Each script with its side (before or after) and its schema file, sorted by the files' paths.
    pub scripts: Vec<(ScriptRole, ScriptEntry, ScriptOwner)>,
    /// Warnings about unknown keys.
    pub warnings: Vec<FileDiagnostic>,
}

/// Reads the global scripts. dbt ignores the key (newer versions with a warning).
///
/// # Errors
/// Returns all errors in them.
pub fn global_scripts(
    project: &DbtProject,
    keyword: &str,
) -> Result<GlobalScripts, Vec<FileDiagnostic>> {
    let (mut found, mut problems) = (GlobalScripts::default(), Vec::new());
    for file in schema_files(project) {
        match read_file(&project.root, &file, keyword) {
            Ok((scripts, warnings)) => {
                found.scripts.extend(scripts);
                found.warnings.extend(warnings);
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(problems)
    }
}

type Owned = (ScriptRole, ScriptEntry, ScriptOwner);

/// Returns the scripts and warnings of one file.
fn read_file(
    root: &Path,
    file: &str,
    keyword: &str,
) -> Result<(Vec<Owned>, Vec<FileDiagnostic>), Vec<FileDiagnostic>> {
    let nothing = || Ok((Vec::new(), Vec::new()));
    let Ok(text) = fal_files::read_text(&root.join(file), fal_files::TEXT) else {
        return nothing();
    };
    if !text.contains(keyword) {
        return nothing();
    }
    let tree = yaml::parse(file, &text).map_err(|problem| vec![*problem])?;
    let Some(value) = tree.get(keyword) else {
        return nothing();
    };
    let owner = ScriptOwner::global(file);
    let mut meta = Meta::new(CODE, keyword, Place::new(root, &owner));
    let scripts = meta.read(&value.json(), &["scripts"]);
    if meta.problems.iter().any(FileDiagnostic::is_error) {
        return Err(meta.problems);
    }
    Ok((
        scripts
            .iter()
            .map(|(role, entry)| (role, entry.clone(), owner.clone()))
            .collect(),
        meta.problems,
    ))
}

/// Returns the schema files directly in the model paths, by their paths below the project, sorted.
fn schema_files(project: &DbtProject) -> Vec<String> {
    let mut files: Vec<String> = project
        .model_paths
        .iter()
        .flat_map(|folder| schemas_in(&project.root, folder))
        .collect();
    files.sort_unstable();
    files.dedup();
    files
}

fn schemas_in(root: &Path, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return Vec::new();
    };
    let names = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok());
    let schemas = names.filter(|name| name.ends_with(".yml") || name.ends_with(".yaml"));
    schemas
        .map(|name| {
            if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, DbtProject) {
        let (folder, mut project) = crate::testing::project(files);
        project.model_paths = vec!["models".to_owned(), "more".to_owned()];
        (folder, project)
    }

    fn listed(scripts: &GlobalScripts) -> Vec<String> {
        let line = |(role, entry, owner): &Owned| format!("{} {role:?} {}", owner.file, entry.path);
        scripts.scripts.iter().map(line).collect()
    }

    #[test]
    fn only_files_in_the_top_folder_count_and_a_plain_list_means_after() {
        let (_folder, project) = project(&[
            (
                "models/b.yaml",
                "fal: {scripts: {before: [x.py], after: [y.ipynb]}}\n",
            ),
            (
                "models/a.yml",
                "version: 2\nfal:\n  scripts: [z.py]\nmodels: []\n",
            ),
            ("models/deep/c.yml", "fal: {scripts: [no.py]}\n"),
            ("more/d.yml", "acme: {scripts: [w.py]}\n"),
        ]);
        assert_eq!(
            listed(&global_scripts(&project, "fal").unwrap()),
            [
                "models/a.yml After z.py",
                "models/b.yaml Before x.py",
                "models/b.yaml After y.ipynb"
            ]
        );
        assert_eq!(
            listed(&global_scripts(&project, "acme").unwrap()),
            ["more/d.yml After w.py"]
        );
    }

    #[test]
    fn complaints_name_file_and_line() {
        let (_folder, project) = project(&[(
            "models/a.yml",
            "fal:\n  scripts: [a.py]\n  pre-hook: b.py\n",
        )]);
        let found = global_scripts(&project, "fal").unwrap();
        let problems = found.warnings;
        assert_eq!((problems[0].is_error(), found.scripts.len()), (false, 1));
        insta::assert_snapshot!(problems[0].message, @"the global scripts: `fal` has no key `pre-hook`, so it is ignored");
        assert_eq!(
            (
                problems[0].path.as_str(),
                problems[0].place().unwrap().1.line
            ),
            ("models/a.yml", 3)
        );
    }
}
