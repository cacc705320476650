//! dbt's `manifest.json`, as far as the graph and the plan of a run need it.
//!
//! A manifest is large, mostly SQL and macros. Only the fields named here are kept while it is read.

use std::{collections::HashMap, fmt, path::Path};

use fal_plugin::payload::GraphNode;
use indexmap::IndexMap;
use serde::{
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
    Deserialize, Deserializer,
};
use serde_json::{Map, Value};

/// The largest manifest, in bytes.
pub(super) const LARGEST: u64 = 4 << 30;
/// What [`Node`] keeps besides `GraphNode`'s `extra`.
const FIELDS: &[&str] = &[
    "unique_id",
    "name",
    "resource_type",
    "package_name",
    "original_file_path",
    "path",
    "patch_path",
    "fqn",
    "tags",
    "language",
    "depends_on",
    "relation_name",
    "database",
    "schema",
    "alias",
    "source_name",
    "access",
    "group",
    "version",
    "latest_version",
    "config",
    "meta",
];
/// What selectors and reports need of some nodes: `GraphNode`'s `extra`.
const EXTRA: &[&str] = &[
    "attached_node",
    "column_name",
    "file_key_name",
    "type",
    "maturity",
    "url",
    "label",
    "loader",
    "identifier",
    "freshness",
    "loaded_at_field",
    "owner",
    "model",
    "test_node_type",
    "description",
    "returns",
    "test_metadata",
    "checksum",
];

/// The parts of a manifest.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    pub(crate) metadata: Map<String, Value>,
    nodes: Nodes,
    sources: Nodes,
    exposures: Nodes,
    metrics: Nodes,
    semantic_models: Nodes,
    saved_queries: Nodes,
    unit_tests: Nodes,
    functions: Nodes,
    disabled: Option<IndexMap<String, Vec<Node>>>,
}

type Nodes = IndexMap<String, Node>;

/// A node of any kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node(Map<String, Value>);

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("dbt's {path} cannot be read: {cause}")]
pub(crate) struct ManifestError {
    path: String,
    cause: String,
}

impl Manifest {
    /// Reads a file.
    pub(crate) fn open(path: &Path) -> Result<Self, ManifestError> {
        Self::read(path).map(|(manifest, _)| manifest)
    }

    /// Reads a manifest, and returns its bytes too.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn read(path: &Path) -> Result<(Self, Vec<u8>), ManifestError> {
        let error = |cause: String| ManifestError {
            path: path.display().to_string(),
            cause,
        };
        let bytes = fal_files::read(path, LARGEST).map_err(|cause| error(cause.to_string()))?;
        let manifest = serde_json::from_slice(&bytes).map_err(|cause| error(cause.to_string()))?;
        Ok((manifest, bytes))
    }

    /// Returns everything that can be a node of the graph.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Node> {
        let all = [
            &self.nodes,
            &self.sources,
            &self.exposures,
            &self.metrics,
            &self.semantic_models,
            &self.saved_queries,
            &self.unit_tests,
            &self.functions,
        ];
        all.into_iter().flat_map(IndexMap::values)
    }

    /// Returns a node that dbt can run.
    pub(crate) fn node(&self, unique_id: &str) -> Option<&Node> {
        self.nodes
            .get(unique_id)
            .or_else(|| self.unit_tests.get(unique_id))
    }

    /// Returns a text of the metadata, or an empty one.
    pub(crate) fn metadata(&self, name: &str) -> &str {
        text(&self.metadata, name)
    }

    /// Returns the files of models that are switched off, below the project. dbt installs packages
    /// into `packages`.
    pub(crate) fn disabled(&self, packages: &str) -> Vec<String> {
        let off = self.disabled.iter().flat_map(|all| all.values().flatten());
        let mut paths: Vec<_> = off
            .filter(|node| node.resource_type() == "model")
            .map(|node| self.path(node, packages))
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Returns the path of a node's file below the project.
    pub(crate) fn path(&self, node: &Node, packages: &str) -> String {
        let path = node.text("original_file_path").replace('\\', "/");
        let package = node.text("package_name");
        if package == self.metadata("project_name") {
            path
        } else {
            format!("{packages}/{package}/{path}")
        }
    }

    /// Returns the relation of a model's table, quoted as the project says.
    pub(crate) fn relation(&self, node: &Node) -> String {
        let quoting = self.metadata.get("quoting");
        let parts = [
            ("database", "database"),
            ("schema", "schema"),
            ("alias", "identifier"),
        ];
        let parts = parts.into_iter().filter_map(|(field, quoted)| {
            let text = Some(node.text(field)).filter(|text| !text.is_empty())?;
            let is_quoted =
                quoting.and_then(|quoting| quoting.get(quoted)) != Some(&Value::Bool(false));
            Some(if is_quoted {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.to_owned()
            })
        });
        parts.collect::<Vec<_>>().join(".")
    }

    /// Returns whether a node is in the project itself and not in a package.
    pub(crate) fn is_in_project(&self, node: &Node) -> bool {
        node.text("package_name") == self.metadata("project_name")
    }
}

impl Node {
    /// Returns a text, or an empty one.
    pub(crate) fn text(&self, name: &str) -> &str {
        text(&self.0, name)
    }

    pub(crate) fn unique_id(&self) -> &str {
        self.text("unique_id")
    }

    pub(crate) fn resource_type(&self) -> &str {
        self.text("resource_type")
    }

    /// Returns the unique ids of its parents.
    pub(crate) fn parents(&self) -> impl Iterator<Item = &str> {
        texts(self.0.get("depends_on").and_then(|its| its.get("nodes")))
    }

    /// Returns the version of a versioned model.
    pub(crate) fn version(&self) -> Option<String> {
        self.0.get("version").and_then(plain)
    }

    /// Returns the parts of its qualified name.
    pub(crate) fn fqn(&self) -> impl Iterator<Item = &str> {
        texts(self.0.get("fqn"))
    }

    /// Returns whether dbt makes no relation of it: for dbt also the stub of a Python model.
    pub(crate) fn is_ephemeral(&self) -> bool {
        self.resource_type() == "model" && self.config("materialized") == Some("ephemeral")
    }

    /// Returns whether it is a model that dbt reads from a Python file.
    pub(crate) fn is_python(&self) -> bool {
        self.text("language") == "python"
    }

    /// Returns the mapping under `keyword` in its `meta`, of which that of its configuration wins.
    pub(crate) fn fal_meta(&self, keyword: &str) -> Option<&Map<String, Value>> {
        let config = self.0.get("config").and_then(|config| config.get("meta"));
        let in_config = config.and_then(|meta| meta.get(keyword));
        let in_node = || self.0.get("meta")?.get(keyword);
        in_config.or_else(in_node).and_then(Value::as_object)
    }

    /// Returns a text of its configuration.
    pub(crate) fn config(&self, name: &str) -> Option<&str> {
        self.0.get("config")?.get(name)?.as_str()
    }

    /// Returns whether its configuration has a value for a key that is not empty.
    pub(crate) fn configures(&self, name: &str) -> bool {
        let value = self.0.get("config").and_then(|config| config.get(name));
        match value {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Array(all)) => !all.is_empty(),
            Some(_) => true,
        }
    }

    /// Returns the node as the host sees it.
    pub(crate) fn graph_node(&self) -> GraphNode {
        let text = |name| self.text(name).to_owned();
        let plain = |name| self.0.get(name).and_then(plain);
        let map = |name| self.0.get(name).and_then(Value::as_object).cloned();
        let config = map("config").unwrap_or_default();
        let of_config = |name| config.get(name).cloned();
        let extra = EXTRA.iter().filter_map(|&name| {
            let value = self.0.get(name).filter(|value| !value.is_null())?;
            Some((name.to_owned(), value.clone()))
        });
        GraphNode {
            unique_id: text("unique_id"),
            name: text("name"),
            resource_type: text("resource_type"),
            package_name: text("package_name"),
            original_file_path: text("original_file_path").replace('\\', "/"),
            path: text("path").replace('\\', "/"),
            patch_path: plain("patch_path"),
            fqn: self.fqn().map(str::to_owned).collect(),
            tags: texts(self.0.get("tags")).map(str::to_owned).collect(),
            language: plain("language"),
            depends_on: unique(self.parents()),
            relation_name: plain("relation_name"),
            database: plain("database"),
            schema: plain("schema"),
            alias: plain("alias"),
            source_name: plain("source_name"),
            access: plain("access"),
            group: plain("group").or_else(|| of_config("group").as_ref().and_then(self::plain)),
            version: plain("version"),
            latest_version: plain("latest_version"),
            meta: map("meta")
                .filter(|meta| !meta.is_empty())
                .or_else(|| of_config("meta")?.as_object().cloned())
                .unwrap_or_default(),
            extra: extra.collect(),
            config,
        }
    }
}

/// Returns the columns that the manifest at `path` has for nodes and sources, by unique id.
pub(super) fn columns(path: &Path) -> Result<Map<String, Value>, ManifestError> {
    #[derive(Deserialize)]
    struct Manifest {
        nodes: HashMap<String, Described>,
        sources: HashMap<String, Described>,
    }
    #[derive(Deserialize)]
    struct Described {
        #[serde(default)]
        columns: Map<String, Value>,
    }
    let error = |cause: String| ManifestError {
        path: path.display().to_string(),
        cause,
    };
    let text = fal_files::read(path, LARGEST).map_err(|cause| error(cause.to_string()))?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|cause| error(cause.to_string()))?;
    let all = manifest.nodes.into_iter().chain(manifest.sources);
    let with_columns = all.filter(|(_, node)| !node.columns.is_empty());
    Ok(with_columns
        .map(|(id, node)| (id, Value::Object(node.columns)))
        .collect())
}

/// Keeps the named fields, and reads over all others.
impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Node;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a node")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
                let mut kept = Map::new();
                while let Some(name) = map.next_key_seed(Field)? {
                    match name {
                        Some(name) => drop(kept.insert(name.to_owned(), map.next_value()?)),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Node(kept))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// The name of a field, if it is one that is kept.
struct Field;

impl<'de> DeserializeSeed<'de> for Field {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Field {
    type Value = Option<&'static str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let mut known = FIELDS.iter().chain(EXTRA);
        Ok(known.find(|known| **known == name).copied())
    }
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns a text, or a number as text: versions are either.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the texts of a list; a single text is a list of one.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let many = match value {
        Some(Value::Array(many)) => many.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    many.iter().filter_map(Value::as_str)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let all: indexmap::IndexSet<_> = names.map(str::to_owned).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_of_a_real_dbt_2_is_read() {
        let text = include_str!("../../tests/dbt2/manifest.json");
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        let nodes: Vec<_> = manifest.members().map(Node::graph_node).collect();
        let node = |name: &str| nodes.iter().find(|node| node.unique_id == name).unwrap();
        let model = node("model.shop.a");
        assert_eq!(model.depends_on, ["seed.shop.raw"]);
        assert_eq!(model.materialized(), Some("table"));
        assert_eq!(
            model.relation_name.as_deref(),
            Some("\"shop\".\"main\".\"a\"")
        );
        assert_eq!(model.fqn, ["shop", "a"]);
        let kinds: indexmap::IndexSet<_> = nodes.iter().map(|node| &*node.resource_type).collect();
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_unstable();
        assert_eq!(
            kinds.join(" "),
            "exposure model operation seed snapshot test unit_test"
        );
        assert!(manifest
            .node("model.shop.a")
            .unwrap()
            .0
            .get("raw_code")
            .is_none());
    }

    #[test]
    fn odd_values_are_no_errors() {
        let manifest: Manifest = serde_json::from_value(serde_json::json!({
            "nodes": {"m": {"unique_id": "m", "tags": "one", "version": 2, "meta": null, "config": null, "fqn": null, "depends_on": {}}},
            "disabled": null, "new_in_dbt": {"x": 1},
        }))
        .unwrap();
        let node = manifest.node("m").unwrap().graph_node();
        assert_eq!(
            (node.tags, node.version.as_deref()),
            (vec!["one".to_owned()], Some("2"))
        );
    }

    #[test]
    fn relations_are_quoted_as_the_project_says() {
        let manifest: Manifest = serde_json::from_value(serde_json::json!({
            "metadata": {"quoting": {"database": true, "schema": false, "identifier": true}},
            "nodes": {"model.p.m": {"database": "d", "schema": "s", "alias": "a\"b"}},
        }))
        .unwrap();
        let node = manifest.node("model.p.m").unwrap();
        assert_eq!(manifest.relation(node), "\"d\".s.\"a\"\"b\"");
    }
}
