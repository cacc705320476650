//! Finds files that the user means to be models although they neither write nor read.

use std::collections::{HashMap, HashSet};

use fal_plugin::payload::FileKind;

use crate::{
    analysis::Analysed,
    diagnostics::FileDiagnostic,
    roots::Root,
    schemas::{SchemaFile, named},
};

const CODE: &str = "model::never_writes";

/// Adds an error to each file that neither writes nor reads and that a schema file names as a
/// model, or that lies in a folder of Python models and is imported by no other file.
pub(crate) fn complain(
    files: &mut [Analysed],
    roots: &[Root],
    sql: &[(String, String)],
    schemas: &[SchemaFile],
) {
    let names = models(files, sql);
    let is_candidate =
        |file: &Analysed| is_helper(file) && !names.contains(file.file.name.as_str());
    let candidates: HashSet<&str> = files
        .iter()
        .filter(|file| is_candidate(file))
        .map(|file| file.file.name.as_str())
        .collect();
    if candidates.is_empty() {
        return;
    }
    let described = described(schemas, &candidates);
    let imported = Imported::by(files);
    let problems: Vec<(usize, FileDiagnostic)> = files
        .iter()
        .enumerate()
        .filter(|(_, file)| is_candidate(file))
        .filter_map(|(at, file)| {
            let problem = match described.get(file.file.name.as_str()) {
                Some((schema, line)) => named_by(file, schema, *line),
                None if roots[file.file.root].dbt || imported.has(file) => return None,
                None => among_models(file, &roots[file.file.root].path),
            };
            Some((at, problem))
        })
        .collect();
    for (at, problem) in problems {
        files[at].diagnostics.push(problem);
    }
}

/// Returns the names of models. A schema file that has one of these names describes that model, not
/// a helper. `a_v2.sql` is a version of `a`.
fn models(files: &[Analysed], sql: &[(String, String)]) -> HashSet<String> {
    let python = files
        .iter()
        .filter(|file| file.kind() != FileKind::Helper)
        .map(|file| file.file.name.as_str());
    let names = python.chain(sql.iter().map(|(name, _)| name.as_str()));
    let unversioned = |name: &str| name.rsplit_once("_v").map(|(name, _)| name.to_owned());
    names
        .flat_map(|name| [Some(name.to_owned()), unversioned(name)])
        .flatten()
        .collect()
}

fn is_helper(file: &Analysed) -> bool {
    file.understood
        && !file.is_script
        && file.kind() == FileKind::Helper
        && !file.file.name.starts_with('_')
}

/// Returns the schema file and line of each of these names that appears under `models`.
fn described<'a>(
    schemas: &'a [SchemaFile],
    names: &HashSet<&str>,
) -> HashMap<String, (&'a str, usize)> {
    let mut found = HashMap::new();
    let speaks = |schema: &&SchemaFile| names.iter().any(|name| schema.text.contains(name));
    for schema in schemas.iter().filter(speaks) {
        let Some(tree) = schema.tree() else { continue };
        for (name, entry) in named(&tree, "models")
            .into_iter()
            .filter(|(name, _)| names.contains(name))
        {
            found
                .entry(name.to_owned())
                .or_insert((schema.path.as_str(), entry.line));
        }
    }
    found
}

/// What the files of the project import, according to their analyses.
struct Imported<'a> {
    modules: HashSet<&'a str>,
    /// Folders with a file that has `from . import x`, for which the analysis does not name `x`.
    folders: HashSet<&'a str>,
}

impl<'a> Imported<'a> {
    fn by(files: &'a [Analysed]) -> Self {
        let mut imported = Self {
            modules: HashSet::new(),
            folders: HashSet::new(),
        };
        for file in files {
            for import in &file.parsed.analysis.imports {
                imported
                    .modules
                    .extend(import.module.split('.').filter(|part| !part.is_empty()));
                if import.module.trim_start_matches('.').is_empty() {
                    imported.folders.insert(folder(file));
                }
            }
        }
        imported
    }

    fn has(&self, file: &Analysed) -> bool {
        let parents = folder(file).rsplit('/');
        self.modules.contains(file.file.name.as_str())
            || self.folders.contains(folder(file))
            // For `from package import module` the analysis names only the package.
            || parents.take(1).any(|package| self.modules.contains(package))
    }
}

fn folder(file: &Analysed) -> &str {
    file.file
        .path
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder)
}

fn named_by(file: &Analysed, schema: &str, line: usize) -> FileDiagnostic {
    let message = format!(
        "{schema} (line {line}) names the model `{}`, but this file calls none of `write_to_model`, `ref` and `source`, so it \
         is no model",
        file.file.name
    );
    FileDiagnostic::error(&file.file.path, CODE, message).with_help(
        "end it with `write_to_model(...)`, or, if models only import it, remove the name from the schema file",
    )
}

fn among_models(file: &Analysed, folder: &str) -> FileDiagnostic {
    let message = format!(
        "this file lies in `{folder}`, a folder of `fal-models-paths`, but it calls none of `write_to_model`, `ref` and \
         `source`, so it is no model, and no model imports it"
    );
    FileDiagnostic::error(&file.file.path, CODE, message).with_help(
        "end it with `write_to_model(...)`, move it to another folder, or list it in .dbtignore",
    )
}
