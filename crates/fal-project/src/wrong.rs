//! Errors grouped by the file that they are about, so that one wrong file need not stop the others.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostics::FileDiagnostic;

/// A file with errors: it must not run, and its stub stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongFile {
    /// Below the project, with `/`.
    pub path: String,
    /// The name of its model.
    pub name: String,
    /// Its errors.
    pub problems: Vec<FileDiagnostic>,
}

/// Collects the problems of a project.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    warnings: Vec<FileDiagnostic>,
    wrong: BTreeMap<String, Vec<FileDiagnostic>>,
}

impl Problems {
    /// Adds a problem with the file `about`. The problem may show another file, such as a stub.
    pub(crate) fn add(&mut self, about: &str, problem: FileDiagnostic) {
        if problem.is_error() {
            self.wrong
                .entry(about.to_owned())
                .or_default()
                .push(problem);
        } else {
            self.warnings.push(problem);
        }
    }

    /// Drops the errors of these files.
    pub(crate) fn pardon(&mut self, pardoned: &HashSet<String>) {
        self.wrong.retain(|path, _| !pardoned.contains(path));
    }

    /// Whether this file has an error.
    pub(crate) fn is_wrong(&self, path: &str) -> bool {
        self.wrong.contains_key(path)
    }

    /// Returns the files with errors, and the warnings, sorted by path.
    pub(crate) fn finish(mut self) -> (Vec<WrongFile>, Vec<FileDiagnostic>) {
        self.warnings
            .sort_by(|one, other| one.path.cmp(&other.path));
        let wrong = self.wrong.into_iter().map(|(path, problems)| WrongFile {
            name: stem(&path),
            path,
            problems,
        });
        (wrong.collect(), self.warnings)
    }
}

/// Returns all errors of these files, each once, and the warnings, sorted by path.
pub fn all_problems(wrong: &[WrongFile], warnings: &[FileDiagnostic]) -> Vec<FileDiagnostic> {
    let mut seen = HashSet::new();
    let errors = wrong.iter().flat_map(|file| &file.problems);
    let mut all: Vec<FileDiagnostic> = errors
        .filter(|problem| seen.insert((&problem.path, &problem.code, &problem.message)))
        .chain(warnings)
        .cloned()
        .collect();
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all
}

fn stem(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.')
        .map_or(name, |(stem, _)| stem)
        .to_owned()
}
