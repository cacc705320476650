//! Descriptions of nodes in reports: name, kind, relation and file.

use fal_plugin::payload::{GraphNode, ScriptRole};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kind of a node in a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A model in SQL.
    SqlModel,
    /// A model in a `.py` file.
    PythonModel,
    /// A model in a notebook.
    NotebookModel,
    /// A CSV file that is loaded.
    Seed,
    /// A snapshot.
    Snapshot,
    /// A data test.
    Test,
    /// A unit test.
    UnitTest,
    /// An exposure.
    Exposure,
    /// A saved query.
    SavedQuery,
    /// A user-defined function of the warehouse.
    Function,
    /// on-run-start or on-run-end.
    Hook,
    /// A script or hook attached to a model, or a global script.
    Script,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

impl NodeKind {
    /// Returns the kind of a node of dbt's graph. A script or notebook is a SQL model there (its
    /// stub), so the caller must handle those.
    pub fn of(node: &GraphNode) -> Self {
        match node.resource_type.as_str() {
            "model" if node.language.as_deref() == Some("python") => Self::PythonModel,
            "model" => Self::SqlModel,
            "seed" => Self::Seed,
            "snapshot" => Self::Snapshot,
            "test" => Self::Test,
            "unit_test" => Self::UnitTest,
            "exposure" => Self::Exposure,
            "saved_query" => Self::SavedQuery,
            "function" => Self::Function,
            "operation" => Self::Hook,
            "script" => Self::Script,
            _ => Self::Other,
        }
    }

    /// Returns dbt's name of the kind.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::SqlModel | Self::PythonModel | Self::NotebookModel => "model",
            Self::Seed => "seed",
            Self::Snapshot => "snapshot",
            Self::Test => "test",
            Self::UnitTest => "unit_test",
            Self::Exposure => "exposure",
            Self::SavedQuery => "saved_query",
            Self::Function => "function",
            Self::Hook => "operation",
            Self::Script => "script",
            Self::Other => "node",
        }
    }

    /// Returns whether the node is a model.
    pub fn is_model(self) -> bool {
        matches!(
            self,
            Self::SqlModel | Self::PythonModel | Self::NotebookModel
        )
    }

    /// Returns whether the node is a test.
    pub fn is_test(self) -> bool {
        matches!(self, Self::Test | Self::UnitTest)
    }
}

/// The description of a node in reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NodeInfo {
    /// `model.jaffle_shop.orders`.
    pub unique_id: String,
    /// `orders`.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// `view`, `table`, ...; for a script or notebook what its relation becomes (`table`).
    #[serde(default)]
    pub materialized: Option<String>,
    /// Database.
    #[serde(default)]
    pub database: Option<String>,
    /// Schema.
    #[serde(default)]
    pub schema: Option<String>,
    /// Name of the relation in its schema; otherwise `name`.
    #[serde(default)]
    pub alias: Option<String>,
    /// Quoted relation, as `run_results.json` has it.
    #[serde(default)]
    pub relation_name: Option<String>,
    /// File below the project, with `/`: the script or the notebook, not its stub.
    #[serde(default)]
    pub path: Option<String>,
    /// The same file below its model path, as dbt's `node_path` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_path: Option<String>,
    /// Checksum of its code, as `manifest.json` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// dbt's id of the node that a test is attached to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached_node: Option<String>,
    /// File of the compiled SQL, for the report of a failure.
    #[serde(default)]
    pub compiled_path: Option<String>,
    /// For a script or hook: its role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ScriptRole>,
    /// Name of the runner that it runs on; `None`: it runs where dbt does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// For a script, hook or unit test: name of its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Returns the path below the model path, which dbt has cut off from the stub's.
pub fn below_model_path<'a>(stub: &GraphNode, path: &'a str) -> &'a str {
    let folder = stub.original_file_path.strip_suffix(&*stub.path);
    let below = folder.and_then(|folder| path.strip_prefix(folder));
    below.unwrap_or(path)
}

impl NodeInfo {
    /// Describes a node of dbt's graph as dbt sees it.
    pub fn from_graph(node: &GraphNode) -> Self {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let extra = |name: &str| node.extra.get(name)?.as_str().map(str::to_owned);
        let checksum = node
            .extra
            .get("checksum")
            .and_then(|its| its.get("checksum"));
        Self {
            unique_id: node.unique_id.clone(),
            name: name(node),
            kind: NodeKind::of(node),
            materialized: node.materialized().map(str::to_owned),
            database: node.database.clone(),
            schema: node.schema.clone(),
            alias: node.alias.clone(),
            relation_name: node.relation_name.clone(),
            path: text(&node.original_file_path),
            node_path: text(&node.path),
            checksum: checksum.and_then(|checksum| text(checksum.as_str()?)),
            attached_node: extra("attached_node"),
            compiled_path: extra("compiled_path"),
            role: None,
            runner: None,
            model: tested_model(node),
        }
    }

    /// Returns the name in lines about tests; a unit test's includes its model: `orders::doubled`.
    pub fn title(&self) -> String {
        match (self.kind, &self.model) {
            (NodeKind::UnitTest, Some(model)) => format!("{model}::{}", self.name),
            _ => self.name.clone(),
        }
    }

    /// Describes a script or hook in the file at `path`; a global script has no model. Its name is
    /// `tell.py (after orders)`.
    pub fn script(unique_id: &str, path: &str, role: ScriptRole, model: Option<&str>) -> Self {
        let file = path.rsplit('/').next().unwrap_or(path);
        Self {
            unique_id: unique_id.to_owned(),
            name: format!("{file} ({})", place(role, model)),
            kind: NodeKind::Script,
            path: Some(path.to_owned()),
            role: Some(role),
            model: model.map(str::to_owned),
            ..Self::default()
        }
    }

    /// Describes the model that the script or notebook at `path` writes, given the node of its
    /// stub.
    pub fn from_stub(stub: &GraphNode, path: &str) -> Self {
        let kind = if path.ends_with(".ipynb") {
            NodeKind::NotebookModel
        } else {
            NodeKind::PythonModel
        };
        let mut node = Self::from_graph(stub);
        node.kind = kind;
        // A stub is ephemeral to dbt, but its model is a table unless the configuration says otherwise.
        let said = stub
            .materialized()
            .filter(|said| !matches!(*said, "ephemeral" | "view"));
        node.materialized = Some(said.unwrap_or("table").to_owned());
        node.path = Some(path.to_owned());
        node.node_path = Some(below_model_path(stub, path).to_owned());
        node.compiled_path = None;
        node
    }

    /// Returns `main.orders`, or only the name if there is no schema.
    pub fn relation(&self) -> String {
        let name = self.alias.as_deref().unwrap_or(&self.name);
        match self.schema.as_deref() {
            Some(schema) if !schema.is_empty() => format!("{schema}.{name}"),
            _ => name.to_owned(),
        }
    }

    /// Describes the node as dbt's lines do: `sql view model main.orders`, `seed file main.raw`,
    /// `test unique_orders_id`. A model on a runner names it: `python table model main.forecast on
    /// acme-runner`.
    pub fn describe(&self) -> String {
        match self.kind {
            NodeKind::SqlModel => self.describe_model("sql"),
            NodeKind::PythonModel => self.describe_model("python"),
            NodeKind::NotebookModel => self.describe_model("notebook"),
            NodeKind::Seed => format!("seed file {}", self.relation()),
            NodeKind::Snapshot => format!("snapshot {}", self.relation()),
            NodeKind::Hook => format!("hook: {}", self.name),
            kind => format!("{} {}", kind.resource_type(), self.title()),
        }
    }

    fn describe_model(&self, language: &str) -> String {
        let of_kind = self
            .materialized
            .as_ref()
            .map(|kind| format!("{kind} "))
            .unwrap_or_default();
        let place = self
            .runner
            .as_ref()
            .map(|runner| format!(" on {runner}"))
            .unwrap_or_default();
        format!("{language} {of_kind}model {}{place}", self.relation())
    }

    /// Names the kind as the counts at the end do: `view model`, `python model`, `data test`.
    pub(crate) fn counted_as(&self) -> String {
        match self.kind {
            NodeKind::SqlModel => {
                format!("{} model", self.materialized.as_deref().unwrap_or("sql"))
            }
            NodeKind::PythonModel => "python model".to_owned(),
            NodeKind::NotebookModel => "notebook model".to_owned(),
            NodeKind::Test => "data test".to_owned(),
            NodeKind::Hook => "project hook".to_owned(),
            kind => kind.resource_type().to_owned(),
        }
        .replace('_', " ")
    }

    /// Returns the name with the file: `model orders (models/orders.sql)`.
    pub(crate) fn with_path(&self) -> String {
        if let (Some(path), Some(role)) = (&self.path, self.role) {
            return format!("script {path} ({})", place(role, self.model.as_deref()));
        }
        let what = format!(
            "{} {}",
            self.kind.resource_type().replace('_', " "),
            self.name
        );
        match &self.path {
            Some(path) => format!("{what} ({path})"),
            None => what,
        }
    }
}

/// Returns a script's place: `after orders`, `pre-hook of orders`, `global`.
/// Returns the name of a unit test. dbt makes one for each version of its model.
fn name(node: &GraphNode) -> String {
    match (NodeKind::of(node), &node.version) {
        (NodeKind::UnitTest, Some(version)) => format!("{}_v{version}", node.name),
        _ => node.name.clone(),
    }
}

/// Returns the model that a unit test tests.
fn tested_model(node: &GraphNode) -> Option<String> {
    let model = node.extra.get("model").and_then(Value::as_str)?;
    (NodeKind::of(node) == NodeKind::UnitTest).then(|| model.to_owned())
}

fn place(role: ScriptRole, model: Option<&str>) -> String {
    match (role, model) {
        (_, None) | (ScriptRole::Global, _) => "global".to_owned(),
        (ScriptRole::Before, Some(model)) => format!("before {model}"),
        (ScriptRole::After, Some(model)) => format!("after {model}"),
        (ScriptRole::PreHook, Some(model)) => format!("pre-hook of {model}"),
        (ScriptRole::PostHook, Some(model)) => format!("post-hook of {model}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_test_is_named_as_dbt_names_it() {
        let mut node = GraphNode {
            name: "doubled".into(),
            resource_type: "unit_test".into(),
            ..GraphNode::default()
        };
        node.extra.insert("model".into(), "orders".into());
        assert_eq!(
            NodeInfo::from_graph(&node).describe(),
            "unit_test orders::doubled"
        );
        node.version = Some("2".into());
        let info = NodeInfo::from_graph(&node);
        assert_eq!(
            (info.title().as_str(), info.name.as_str()),
            ("orders::doubled_v2", "doubled_v2")
        );
        node.resource_type = "test".into();
        assert_eq!(NodeInfo::from_graph(&node).describe(), "test doubled");
    }
}
