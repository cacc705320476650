//! Schema files as text, read once. A file is parsed only if its text mentions what the caller
//! looks for.

use rayon::prelude::*;
use serde_json::Value;

use crate::config::{
    DbtProject,
    yaml::{self, Kind, Node},
};

/// A schema file.
pub(crate) struct SchemaFile {
    /// The path below the project.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads schema files, given by paths below the project. An unreadable file has empty text.
pub(crate) fn read(project: &DbtProject, paths: &[String]) -> Vec<SchemaFile> {
    let text = |path: &String| {
        fal_files::read_text(&project.root.join(path), fal_files::TEXT).unwrap_or_default()
    };
    paths
        .par_iter()
        .with_min_len(16)
        .map(|path| SchemaFile {
            path: path.clone(),
            text: text(path),
        })
        .collect()
}

impl SchemaFile {
    /// Parses the text; `None` if it is not valid YAML, which dbt reports itself.
    pub(crate) fn tree(&self) -> Option<Node> {
        yaml::parse(&self.path, &self.text).ok()
    }
}

/// Returns the named entries of a list of a schema file (`models`, `seeds`, ...).
pub(crate) fn named<'a>(tree: &'a Node, list: &str) -> Vec<(&'a str, &'a Node)> {
    let Some(Node {
        kind: Kind::List(items),
        ..
    }) = tree.get(list)
    else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| Some((text(item.get("name")?)?, item)))
        .collect()
}

/// Returns a scalar's text.
pub(crate) fn text(node: &Node) -> Option<&str> {
    if let Kind::Scalar(Value::String(text)) = &node.kind {
        Some(text)
    } else {
        None
    }
}
