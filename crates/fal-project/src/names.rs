//! No two models may have one name.

use std::collections::HashMap;

use crate::diagnostics::FileDiagnostic;

/// An error for every Python model whose name another file has. Both lists are sorted by path: (name, path).
pub(crate) fn duplicates(python: &[(&str, &str)], sql: &[(&str, &str)]) -> Vec<FileDiagnostic> {
    let mut owners: HashMap<&str, &str> = sql.iter().copied().collect();
    let mut problems = Vec::new();
    for (name, path) in python {
        match owners.get(name) {
            Some(other) => problems.push(duplicate(name, other, path)),
            None => {
                owners.insert(name, path);
            }
        }
    }
    problems
}

fn duplicate(name: &str, one: &str, other: &str) -> FileDiagnostic {
    let message = format!("the model `{name}` is defined twice: here and in {one}");
    FileDiagnostic::error(other, "model::duplicate", message).with_help(format!(
        "rename or remove {other} or {one}: a model has the name of its file"
    ))
}
