//! Schema files as text, read once; each is parsed only where its text speaks of what is looked for.

use rayon::prelude::*;
use serde_json::Value;

use crate::config::{
    DbtProject,
    yaml::{self, Kind, Node},
};

/// A schema file.
pub(crate) struct SchemaFile {
    /// Below the project.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads schema files, given below the project; one that cannot be read has no text.
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
    /// Its values; `None` for what is no YAML, which dbt refuses with its own words.
    pub(crate) fn tree(&self) -> Option<Node> {
        yaml::parse(&self.path, &self.text).ok()
    }
}

/// The entries of a list of a schema file (`models`, `seeds`, ...) that have a name.
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

/// The text of a scalar.
pub(crate) fn text(node: &Node) -> Option<&str> {
    if let Kind::Scalar(Value::String(text)) = &node.kind {
        Some(text)
    } else {
        None
    }
}
