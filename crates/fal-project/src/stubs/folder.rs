//! Checks that stub folders are real folders inside their model path.

use std::{collections::BTreeMap, fs, path::Path};

use crate::diagnostics::FileDiagnostic;

/// Returns what prevents writing into these folders. `wanted` holds a stub's folder below the
/// project, its model path, and the model for the message.
pub(crate) fn check<'a>(
    project: &Path,
    wanted: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> Vec<FileDiagnostic> {
    let mut folders: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (folder, root, model) in wanted {
        folders.entry(folder).or_insert((root, model));
    }
    let mut problems: Vec<FileDiagnostic> = Vec::new();
    for (folder, (root, model)) in folders {
        let problem =
            odd_part(project, folder, root).map(|(path, what)| problem(&path, what, model));
        problems.extend(
            problem.filter(|problem| !problems.iter().any(|known| known.path == problem.path)),
        );
    }
    problems
}

/// Returns the first part of the path that is not a folder. A link does not count as one: dbt does
/// not follow it, and it may lead anywhere.
fn odd_part(project: &Path, folder: &str, root: &str) -> Option<(String, &'static str)> {
    let mut path = root.to_owned();
    for part in folder[root.len()..]
        .split('/')
        .filter(|part| !part.is_empty())
    {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(part);
        let Ok(metadata) = fs::symlink_metadata(project.join(&path)) else {
            return None;
        };
        if metadata.is_symlink() {
            return Some((path, "a symbolic link"));
        }
        if !metadata.is_dir() {
            return Some((path, "a file"));
        }
    }
    None
}

fn problem(path: &str, what: &str, model: &str) -> FileDiagnostic {
    let message = format!("this is {what}, but the stub of {model} needs a folder here");
    FileDiagnostic::error(path, "stub::no_folder", message)
        .with_help(format!("move or rename {path}"))
}
