//! How the user configured Python models to be materialized: read from the project's files, since
//! the stub's own `ephemeral` hides it in the manifest.

use std::{collections::HashMap, path::Path};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    manifest::{Manifest, Node},
    plan::Ids,
    settings::{load, Settings},
};

/// The materialization of a stub's model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Materialized {
    pub(crate) name: String,
    /// Whether the model's own entry in a schema file says so.
    pub(crate) is_own: bool,
}

/// Returns the materializations of the stubs for which a file names one.
pub(crate) fn of_stubs(
    settings: &Settings,
    manifest: &Manifest,
    stubs: &Ids,
) -> HashMap<String, Materialized> {
    let mut files: HashMap<String, Map<String, Value>> = HashMap::new();
    let mut found = HashMap::new();
    for node in stubs.iter().filter_map(|stub| manifest.node(stub)) {
        let path = node.text("patch_path");
        let path = path.split_once("://").map_or("", |(_, path)| path);
        let own = (!path.is_empty()).then(|| {
            let file = files.entry(path.to_owned()).or_insert_with(|| {
                // dbt has read the file: what is wrong with it, dbt has said.
                load(&Path::new(&settings.project_root).join(path), "dbt::parse")
                    .unwrap_or_default()
            });
            in_schema_file(file, node)
        });
        let own = own.flatten();
        let is_own = own.is_some();
        if let Some(name) = own.or_else(|| in_project(&settings.project, node)) {
            let name = settings.rendered(&name).unwrap_or(name);
            let unique_id = node.unique_id().to_owned();
            found.insert(unique_id, Materialized { name, is_own });
        }
    }
    found
}

/// Returns what the model's entry says, that of its version first.
fn in_schema_file(file: &Map<String, Value>, node: &Node) -> Option<String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let materialized = |entry: &Value| {
        let config = entry.get("config")?.get("materialized")?;
        config.as_str().map(str::to_owned)
    };
    let models = list(file.get("models"));
    let entry = models
        .iter()
        .find(|entry| entry.get("name").and_then(Value::as_str) == Some(node.text("name")))?;
    let versions = list(entry.get("versions"));
    let plain = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let of_version = node.version().and_then(|version| {
        let mut its = versions.iter();
        its.find(|its| its.get("v").map(plain).as_deref() == Some(&version))
    });
    of_version
        .and_then(materialized)
        .or_else(|| materialized(entry))
}

/// Returns what the deepest entry of dbt_project.yml says that applies.
fn in_project(project: &Map<String, Value>, node: &Node) -> Option<String> {
    let mut level = project.get("models")?.as_object()?;
    let mut found = None;
    let mut fqn = node.fqn();
    loop {
        // Without its plus it may be a folder of that name.
        let named = ["+materialized", "materialized"];
        let said = named.iter().find_map(|name| level.get(*name)?.as_str());
        found = said.map(str::to_owned).or(found);
        match fqn.next().and_then(|part| level.get(part)?.as_object()) {
            Some(next) => level = next,
            None => return found,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "
models:
  - {name: own, config: {materialized: \"{{ 'incremental' }}\"}}
  - {name: a_view, config: {materialized: view}}
  - name: dim
    config: {materialized: table}
    versions: [{v: 1}, {v: 2, config: {materialized: incremental}}]
";

    #[test]
    fn the_schema_file_comes_before_the_deepest_entry_of_the_project() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("schema.yml"), SCHEMA).unwrap();
        let node = |name: &str, version: Value, fqn: Value, patch: Value| {
            json!({ "unique_id": format!("{name}{version}"), "name": name, "resource_type": "model",
                "version": version, "fqn": fqn, "patch_path": patch })
        };
        let patch = json!("shop://schema.yml");
        let nodes = [
            node("own", Value::Null, json!(["shop", "own"]), patch.clone()),
            node(
                "a_view",
                Value::Null,
                json!(["shop", "a_view"]),
                patch.clone(),
            ),
            node("dim", json!(1), json!(["shop", "dim", "v1"]), patch.clone()),
            node("dim", json!(2), json!(["shop", "dim", "v2"]), patch),
            node(
                "deep",
                Value::Null,
                json!(["shop", "fal", "deep", "deep"]),
                Value::Null,
            ),
            node("other", Value::Null, json!(["other", "other"]), Value::Null),
        ];
        let nodes: Map<String, Value> = nodes
            .into_iter()
            .map(|node| (node["unique_id"].as_str().unwrap().to_owned(), node))
            .collect();
        let stubs: Ids = nodes.keys().cloned().collect();
        let manifest = serde_json::from_value(json!({ "nodes": nodes })).unwrap();
        let project = json!({ "models": {
            "shop": { "+materialized": "view", "fal": { "deep": { "materialized": "incremental" } } },
        } });
        let settings = Settings {
            project: project.as_object().unwrap().clone(),
            project_root: folder.path().display().to_string(),
            ..Settings::default()
        };
        let found = of_stubs(&settings, &manifest, &stubs);
        let said = |name: &str| found.get(name).map(|its| (its.name.as_str(), its.is_own));
        assert_eq!(said("ownnull"), Some(("incremental", true)));
        assert_eq!(said("a_viewnull"), Some(("view", true)));
        assert_eq!(said("dim1"), Some(("table", true)));
        assert_eq!(said("dim2"), Some(("incremental", true)));
        assert_eq!(said("deepnull"), Some(("incremental", false)));
        assert_eq!(said("othernull"), None);
    }
}
