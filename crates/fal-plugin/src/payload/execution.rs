//! What an execution backend is asked about a session, and what it answers; `node` is about one node.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[cfg(doc)]
use super::node::NodeWork;
use super::{node::NodeResult, script::EnvironmentSpec};

/// What a backend can do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// Runs dbt's own nodes and knows the project's graph.
    pub sql: bool,
    /// Runs Python and notebook models.
    pub python: bool,
    /// Runs unit tests of Python and notebook models ([`NodeWork::UnitTest`]).
    #[serde(default)]
    pub unit_tests: bool,
    /// Owns the data, and lends Python models to other backends ([`LendRequest`](super::LendRequest)).
    #[serde(default)]
    pub lends: bool,
    /// Nodes that it runs at once, beside those that `--threads` allows. `None`: its nodes count among the threads.
    #[serde(default)]
    pub concurrency: Option<u32>,
}

/// Start of a session. The backend may start to warm up; it reads no model yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenRequest {
    /// Folder of `dbt_project.yml`, absolute.
    pub project_dir: String,
    /// Folder of `profiles.yml`, if the user named one.
    #[serde(default)]
    pub profiles_dir: Option<String>,
    /// `--profile`.
    #[serde(default)]
    pub profile: Option<String>,
    /// `--target`.
    #[serde(default)]
    pub target: Option<String>,
    /// `--target-path`, if the user named one.
    #[serde(default)]
    pub target_path: Option<String>,
    /// `--vars`: a mapping.
    #[serde(default)]
    pub vars: Map<String, Value>,
    /// `--threads`; otherwise the profile's.
    #[serde(default)]
    pub threads: Option<u32>,
    /// `--full-refresh`.
    #[serde(default)]
    pub full_refresh: bool,
    /// The dbt command that this one corresponds to: `run`, `build`, `ls`, ...
    pub command: String,
    /// Further words for dbt's command line, as given.
    #[serde(default)]
    pub dbt_args: Vec<String>,
    /// For `retry`: `run_results.json` of what is tried again, absolute. Of microbatch models only the batches that
    /// failed there are run.
    #[serde(default)]
    pub retry_of: Option<String>,
    /// Flags that the host itself reads (`select`, `fail_fast`, ...), by dbt's names: `args` of `run_results.json` has them.
    #[serde(default)]
    pub host_args: Map<String, Value>,
    /// For `show`: Python models write nothing. The `adapter_response` of each has a `preview`, with its `columns` and at
    /// most this many `rows`; a negative number means all.
    #[serde(default)]
    pub show_limit: Option<i64>,
    /// Python interpreter, absolute, if the user named one.
    #[serde(default)]
    pub python: Option<String>,
    /// Whether nodes will be run (otherwise only the graph is wanted).
    pub execute: bool,
    /// Folder for the backend's files, absolute; it exists.
    pub state_dir: String,
    /// `--debug`.
    #[serde(default)]
    pub debug: bool,
    /// Key of `meta` under which scripts, hooks and environments stand (`--keyword`); user code does not see it.
    #[serde(default = "default_keyword")]
    pub keyword: String,
    /// Folder of the scripts (dbt var `fal-scripts-path`), absolute: goes on the import path of all user code.
    #[serde(default)]
    pub scripts_dir: Option<String>,
    /// Environments that models and scripts may name.
    #[serde(default)]
    pub environments: Vec<EnvironmentSpec>,
}

impl OpenRequest {
    /// Returns a request that runs nothing yet, with every option at its default.
    pub fn new(
        project_dir: impl Into<String>,
        state_dir: impl Into<String>,
        command: impl Into<String>,
    ) -> Self {
        Self {
            project_dir: project_dir.into(),
            profiles_dir: None,
            profile: None,
            target: None,
            target_path: None,
            vars: Map::new(),
            threads: None,
            full_refresh: false,
            command: command.into(),
            dbt_args: Vec::new(),
            retry_of: None,
            show_limit: None,
            host_args: Map::new(),
            python: None,
            execute: false,
            state_dir: state_dir.into(),
            debug: false,
            keyword: default_keyword(),
            scripts_dir: None,
            environments: Vec::new(),
        }
    }
}

fn default_keyword() -> String {
    "fal".to_owned()
}

/// A Python or notebook model whose stub is in place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PythonModel {
    /// Name of the model.
    pub name: String,
    /// Path of its file below the project, with `/`.
    pub path: String,
    /// Path of its stub below the project, with `/`; `None` for a model that dbt itself knows (`def model`).
    #[serde(default)]
    pub stub_path: Option<String>,
    /// Top-level names of imported modules: a backend may load the known ones ahead.
    #[serde(default)]
    pub imports: Vec<String>,
}

impl PythonModel {
    /// Returns a model without a stub or known imports.
    pub fn new(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: path.into(),
            stub_path: None,
            imports: Vec::new(),
        }
    }
}

/// Read the project now: the stubs are in place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadRequest {
    /// The models that are ours.
    pub python_models: Vec<PythonModel>,
}

/// A node of dbt's graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GraphNode {
    /// `model.jaffle_shop.orders`.
    pub unique_id: String,
    /// Its name.
    pub name: String,
    /// dbt's resource type: `model`, `seed`, `snapshot`, `test`, `source`, `exposure`, ...
    pub resource_type: String,
    /// Package it belongs to.
    pub package_name: String,
    /// Path of its file below the package, with `/`.
    #[serde(default)]
    pub original_file_path: String,
    /// Path below the resource path.
    #[serde(default)]
    pub path: String,
    /// YAML file that describes it (`project://models/schema.yml`).
    #[serde(default)]
    pub patch_path: Option<String>,
    /// Fully qualified name, as selectors use it.
    #[serde(default)]
    pub fqn: Vec<String>,
    /// Tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// `sql` or `python`.
    #[serde(default)]
    pub language: Option<String>,
    /// Parents, by unique id.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Quoted relation, where there is one.
    #[serde(default)]
    pub relation_name: Option<String>,
    /// Database.
    #[serde(default)]
    pub database: Option<String>,
    /// Schema.
    #[serde(default)]
    pub schema: Option<String>,
    /// Alias.
    #[serde(default)]
    pub alias: Option<String>,
    /// `source_name` of a source.
    #[serde(default)]
    pub source_name: Option<String>,
    /// `access` of a model.
    #[serde(default)]
    pub access: Option<String>,
    /// `group`.
    #[serde(default)]
    pub group: Option<String>,
    /// `version` of a versioned model, as text.
    #[serde(default)]
    pub version: Option<String>,
    /// `latest_version` of a versioned model, as text.
    #[serde(default)]
    pub latest_version: Option<String>,
    /// The whole configuration.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// `meta`.
    #[serde(default)]
    pub meta: Map<String, Value>,
    /// What dbt knows besides (test metadata, attached node, ...).
    #[serde(default)]
    pub extra: Map<String, Value>,
}

impl GraphNode {
    /// `config.materialized`.
    pub fn materialized(&self) -> Option<&str> {
        self.config.get("materialized").and_then(Value::as_str)
    }

    /// Returns the mapping under `keyword` in `config.meta`, else in `meta`.
    pub fn fal_meta(&self, keyword: &str) -> Option<&Map<String, Value>> {
        let in_config = self.config.get("meta").and_then(|meta| meta.get(keyword));
        in_config
            .or_else(|| self.meta.get(keyword))
            .and_then(Value::as_object)
    }

    /// Name of the environment that its Python runs in: `environment` under `keyword` in `meta`, else the configuration's
    /// `fal_environment`.
    pub fn environment(&self, keyword: &str) -> Option<&str> {
        let in_meta = self
            .fal_meta(keyword)
            .and_then(|fal| fal.get("environment"));
        in_meta
            .or_else(|| self.config.get("fal_environment"))
            .and_then(Value::as_str)
    }
}

/// What the backend knows of the place it works in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// Version of dbt-core.
    #[serde(default)]
    pub dbt_version: String,
    /// Adapter: `duckdb`, `postgres`, ...
    #[serde(default)]
    pub adapter: String,
    /// Version of the adapter.
    #[serde(default)]
    pub adapter_version: String,
    /// Name of the project.
    #[serde(default)]
    pub project_name: String,
    /// Name of the target.
    #[serde(default)]
    pub target_name: String,
    /// Schema of the target.
    #[serde(default)]
    pub schema: String,
    /// Threads that the user asked for, in the profile or on the command line.
    #[serde(default)]
    pub threads: u32,
    /// dbt's target folder, absolute.
    #[serde(default)]
    pub target_path: String,
    /// dbt's invocation id.
    #[serde(default)]
    pub invocation_id: String,
    /// `metadata` of dbt's run_results.json.
    #[serde(default)]
    pub run_results_metadata: Map<String, Value>,
    /// `args` of dbt's run_results.json.
    #[serde(default)]
    pub args: Map<String, Value>,
    /// `selectors.yml`, resolved by dbt: name to definition.
    #[serde(default)]
    pub selectors: Map<String, Value>,
    /// Python that runs the session.
    #[serde(default)]
    pub python: String,
    /// Files of models that the project switches off (`enabled: false`), below it: stubs, and files that dbt itself knows.
    #[serde(default)]
    pub disabled: Vec<String>,
    /// How the backend runs dbt, where that is not its usual way.
    #[serde(default)]
    pub engine: Option<String>,
}

/// What reports of lineage to other systems need beside the graph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lineage {
    /// The keys of the profile's target that say where the warehouse is: `host`, `port`, `path`, `account`, ... None of
    /// them is a secret.
    #[serde(default)]
    pub connection: Map<String, Value>,
    /// `columns` of the nodes that have some, as dbt's manifest has them, by unique id.
    #[serde(default)]
    pub columns: Map<String, Value>,
}

/// The project's graph as the backend knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunGraph {
    /// About the session.
    pub info: SessionInfo,
    /// All nodes of dbt's manifest that can be selected or depended upon.
    pub nodes: Vec<GraphNode>,
}

/// A command of dbt that dbt itself runs to its end, with the user's terminal: `compile`, `docs generate`, ...
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandRequest {
    /// As for a session.
    pub open: OpenRequest,
    /// dbt's command line, without the program.
    pub words: Vec<String>,
    /// The models that are ours; the stubs are in place. Empty if the command does not read models.
    #[serde(default)]
    pub python_models: Vec<PythonModel>,
    /// For `compile`: the code of these models, which takes the place of compiled SQL, by `stub_path`.
    #[serde(default)]
    pub codes: BTreeMap<String, String>,
}

/// How the host starts a command of dbt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandLine {
    /// The program, absolute.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Further environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where the command leaves the project's graph, a [`RunGraph`] as JSON: an absolute path.
    #[serde(default)]
    pub graph: Option<String>,
}

/// A selection method that the host does not know by itself (`state:modified`, `result:error`, ...).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SelectRequest {
    /// Name of the method, with its arguments: `state`, `config.materialized`.
    pub method: String,
    /// Its value.
    pub value: String,
}

/// What will run: the backend prepares the warehouse (schemas, cache, on-run-start).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BeginRequest {
    /// Unique ids of all selected nodes of dbt's graph.
    pub selected: Vec<String>,
    /// Ids of all selected scripts. With no `selected` beside them, on-run-start and on-run-end do not run, and artifacts
    /// of earlier runs stay.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// Names of the environments that will be needed: a backend may make them ready ahead.
    #[serde(default)]
    pub environments: Vec<String>,
}

/// Compile SQL with Jinja.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompileRequest {
    /// The text.
    pub sql: String,
}

/// Compiled SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompileResponse {
    /// The text, ready for the warehouse.
    pub sql: String,
}

/// End of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CloseRequest {
    /// Whether the run was interrupted: no on-run-end then.
    pub interrupted: bool,
}

/// What is left to say at the end of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloseResponse {
    /// Whether the backend wrote `run_results.json`; otherwise the host does.
    #[serde(default)]
    pub artifacts_written: bool,
    /// Results of what the backend ran by itself (on-run-start, on-run-end) and that failed.
    #[serde(default)]
    pub failed_hooks: Vec<NodeResult>,
}

/// Standard stream of a model's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Weight of a log line.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// For those who look for a fault.
    Debug,
    /// For all.
    Info,
    /// The user should know.
    Warn,
    /// Something is wrong.
    Error,
}

/// What a session tells while it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A line that a model wrote.
    Output {
        /// The node.
        unique_id: String,
        /// Where it wrote.
        stream: Stream,
        /// The line, without its end.
        line: String,
    },
    /// A message of the backend or of dbt.
    Log {
        /// Its weight.
        level: LogLevel,
        /// dbt's name of the event, if it is dbt's.
        #[serde(default)]
        name: Option<String>,
        /// The node it is about.
        #[serde(default)]
        unique_id: Option<String>,
        /// The text.
        message: String,
    },
}
