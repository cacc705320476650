//! Scripts as schema files list them.

use fal_plugin::payload::{GraphNode, ScriptRole};
use serde_json::{Map, Value};

/// A script or hook of a schema file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScriptEntry {
    /// The path, as written.
    pub path: String,
    /// `with`: its arguments.
    pub arguments: Map<String, Value>,
    /// `environment`: the name of an environment, or `local`.
    pub environment: Option<String>,
}

impl ScriptEntry {
    /// Returns the name of its file.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The scripts and hooks of one model, each list in the order of the schema file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeScripts {
    /// `scripts: before`.
    pub before: Vec<ScriptEntry>,
    /// `scripts: after`, or a plain list.
    pub after: Vec<ScriptEntry>,
    /// `pre-hook`.
    pub pre_hooks: Vec<ScriptEntry>,
    /// `post-hook`.
    pub post_hooks: Vec<ScriptEntry>,
}

impl NodeScripts {
    /// Returns all entries with their roles.
    pub fn iter(&self) -> impl Iterator<Item = (ScriptRole, &ScriptEntry)> {
        let lists = [
            (ScriptRole::Before, &self.before),
            (ScriptRole::After, &self.after),
            (ScriptRole::PreHook, &self.pre_hooks),
            (ScriptRole::PostHook, &self.post_hooks),
        ];
        lists
            .into_iter()
            .flat_map(|(role, list)| list.iter().map(move |entry| (role, entry)))
    }
}

/// The owner of scripts, for messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOwner {
    /// The name of the model; `None` for global scripts.
    pub name: Option<String>,
    /// `model`, `seed` or `snapshot`.
    pub kind: String,
    /// The file that lists the scripts, below the project: the schema file, or the model's file.
    pub file: String,
}

impl ScriptOwner {
    /// Makes the owner from dbt's node.
    pub fn from_node(node: &GraphNode) -> Self {
        let schema = node
            .patch_path
            .as_deref()
            .and_then(|path| path.split("://").nth(1));
        Self {
            name: Some(node.name.clone()),
            kind: node.resource_type.clone(),
            file: schema.unwrap_or(&node.original_file_path).to_owned(),
        }
    }

    /// Makes the owner of the global scripts of a schema file.
    pub fn global(file: &str) -> Self {
        Self {
            name: None,
            kind: String::new(),
            file: file.to_owned(),
        }
    }

    /// Returns `the model `orders``, or `the global scripts`.
    pub fn describe(&self) -> String {
        match &self.name {
            Some(name) => format!("the {} `{name}`", self.kind),
            None => "the global scripts".to_owned(),
        }
    }
}
