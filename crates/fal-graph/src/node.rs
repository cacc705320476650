//! Nodes of the DAG: dbt's description, and what fal-host adds.

use fal_plugin::payload::GraphNode;
use serde_json::Value;

use crate::graph::Side;
use crate::kind::NodeKind;

/// First folder below the resource path that holds stubs.
const STUB_FOLDER: &str = "fal";

/// A node of the DAG.
#[derive(Clone, Debug)]
pub struct Node {
    spec: GraphNode,
    kind: NodeKind,
    own_file: Option<String>,
    own_fqn: Option<Vec<String>>,
    /// Whether a parent that the node names is not in the graph.
    pub(crate) incomplete: bool,
    /// Side of its model, for a script attached to a model.
    pub(crate) side: Option<Side>,
}

impl Node {
    pub(crate) fn new(spec: GraphNode) -> Self {
        let kind = NodeKind::of_spec(&spec);
        Self {
            spec,
            kind,
            own_file: None,
            own_fqn: None,
            incomplete: false,
            side: None,
        }
    }

    /// Marks the node as the Python or notebook model in `file`; dbt may know it by a stub.
    pub(crate) fn become_python(&mut self, file: &str) {
        self.kind = NodeKind::of_file(file);
        if file != self.spec.original_file_path {
            self.own_file = Some(file.to_owned());
            self.own_fqn = without_stub_folder(&self.spec.fqn);
        }
    }

    /// dbt's unique id.
    pub fn unique_id(&self) -> &str {
        &self.spec.unique_id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Returns a short name that is unique among nodes of its kind: `events.clicks` for a source,
    /// `people.v2` for a version, `orders.AFTER.tell.py` for a script.
    pub fn label(&self) -> String {
        if let Some(script) = self
            .spec
            .name
            .strip_prefix("script.")
            .filter(|_| self.spec.resource_type == "script")
        {
            return script.to_owned();
        }
        match (&self.spec.source_name, &self.spec.version) {
            (Some(source), _) => format!("{source}.{}", self.spec.name),
            (None, Some(version)) if self.spec.resource_type == "model" => {
                format!("{}.v{version}", self.spec.name)
            }
            _ => self.spec.name.clone(),
        }
    }

    /// Its kind.
    pub fn kind(&self) -> NodeKind {
        self.kind
    }

    /// dbt's resource type.
    pub fn resource_type(&self) -> &str {
        &self.spec.resource_type
    }

    /// The file that the user wrote: for a model with a stub its own file, not the stub.
    pub fn file(&self) -> &str {
        self.own_file
            .as_deref()
            .unwrap_or(&self.spec.original_file_path)
    }

    /// Returns dbt's description of the node.
    pub fn spec(&self) -> &GraphNode {
        &self.spec
    }

    /// Files by which selectors find it: dbt's, and its own if that is another one.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.spec.original_file_path.as_str()).chain(self.own_file.as_deref())
    }

    /// Fully qualified names by which selectors find it: dbt's, and that of its file's folder.
    pub(crate) fn fqns(&self) -> impl Iterator<Item = &[String]> {
        std::iter::once(self.spec.fqn.as_slice()).chain(self.own_fqn.as_deref())
    }

    /// YAML file that describes it, below its package.
    pub(crate) fn patch_file(&self) -> Option<&str> {
        self.spec.patch_path.as_deref()?.split("://").nth(1)
    }

    /// Tags; dbt keeps those of a unit test in its configuration.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        let configured = match self.spec.config.get("tags") {
            Some(tags) if self.spec.resource_type == "unit_test" && self.spec.tags.is_empty() => {
                Some(tags)
            }
            _ => None,
        };
        let in_config = configured.into_iter().flat_map(|tags| match tags {
            Value::Array(tags) => tags.as_slice(),
            tag => std::slice::from_ref(tag),
        });
        self.spec
            .tags
            .iter()
            .map(String::as_str)
            .chain(in_config.filter_map(Value::as_str))
    }

    /// Returns whether dbt includes the node in its graph.
    pub(crate) fn is_enabled(&self) -> bool {
        self.spec.config.get("enabled") != Some(&Value::Bool(false))
    }

    /// Returns whether the node's file is empty. dbt lists such a node but never runs it.
    pub(crate) fn is_empty(&self) -> bool {
        self.own_file.is_none()
            && self.spec.resource_type != "seed"
            && self
                .spec
                .extra
                .get("raw_code")
                .and_then(Value::as_str)
                .is_some_and(|code| code.trim().is_empty())
            && self.is_manifest_node()
    }

    /// Returns whether dbt keeps the node in `manifest.nodes`, to which several of its rules apply.
    pub(crate) fn is_manifest_node(&self) -> bool {
        !matches!(
            self.spec.resource_type.as_str(),
            "source"
                | "exposure"
                | "metric"
                | "semantic_model"
                | "saved_query"
                | "unit_test"
                | "function"
                | "script"
        )
    }

    /// Returns whether selecting the node's parents can select the node.
    pub(crate) fn is_test(&self) -> bool {
        matches!(self.spec.resource_type.as_str(), "test" | "unit_test")
    }
}

/// The name of a stub's model by the folder of its Python file: `shop.fal.a.b` becomes `shop.a.b`.
fn without_stub_folder(fqn: &[String]) -> Option<Vec<String>> {
    (fqn.len() > 2 && fqn[1] == STUB_FOLDER).then(|| [&fqn[..1], &fqn[2..]].concat())
}
