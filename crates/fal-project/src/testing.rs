//! What the unit tests of several modules share.

use std::{fs, path::Path};

use fal_plugin::payload::GraphNode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{DbtProject, FileDiagnostic};

/// Writes files into a new folder, which is the root of a project.
pub(crate) fn project(files: &[(&str, &str)]) -> (TempDir, DbtProject) {
    let folder = folder(files);
    let project = DbtProject {
        root: folder.path().to_owned(),
        ..DbtProject::default()
    };
    (folder, project)
}

/// Writes files into a new folder.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Returns the model `orders` of `models/schema.yml`, with this under `meta: fal:`.
pub(crate) fn orders(fal: Value) -> GraphNode {
    let config = json!({ "meta": { "fal": fal } });
    GraphNode {
        name: "orders".into(),
        resource_type: "model".into(),
        patch_path: Some("shop://models/schema.yml".into()),
        config: config.as_object().cloned().unwrap(),
        ..GraphNode::default()
    }
}

/// Returns a line for each problem: file, message and help.
pub(crate) fn lines(problems: &[FileDiagnostic]) -> String {
    let line = |problem: &FileDiagnostic| {
        let help = problem.help.as_deref().unwrap_or_default();
        format!("{}: {} ({help})\n", problem.path, problem.message)
    };
    problems.iter().map(line).collect()
}
