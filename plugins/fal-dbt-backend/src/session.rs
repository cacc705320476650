//! The backend's session, which handles the host's requests.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Event,
        GraphNode, LendRequest, Lent, Lineage, LoadRequest, NodeError, NodeErrorRequest,
        NodeRequest, NodeResult, NodeWork, OpenRequest, Resources, RunGraph, SelectRequest,
        SettleRequest,
    },
    ExecutionSession, PluginError,
};
use serde_json::Value;

use crate::{
    cancel,
    engine::{EngineClient, NativeJob},
    error::StartError,
    lease, node,
    python::Stop,
    result,
    run::Run,
};

/// A running session of the dbt backend.
pub struct DbtSession {
    run: Arc<Run>,
    preload: Vec<String>,
    /// The names of Python models, once they are known.
    python_models: OnceLock<HashSet<String>>,
}

impl DbtSession {
    /// Starts to handle the events of the run's engine. The modules in `preload` are imported ahead
    /// of all models.
    pub(crate) fn new(run: Arc<Run>, preload: Vec<String>) -> Result<Self, StartError> {
        run.listen()?;
        Ok(Self {
            run,
            preload,
            python_models: OnceLock::new(),
        })
    }

    /// Makes the zygotes import the modules that the models import.
    fn preload(&self, request: &LoadRequest) {
        let imports = request
            .python_models
            .iter()
            .flat_map(|model| &model.imports);
        let mut modules: Vec<_> = self.preload.iter().chain(imports).cloned().collect();
        modules.sort_unstable();
        modules.dedup();
        if !modules.is_empty() {
            self.run.python.preload(modules);
        }
    }

    /// Returns whether a node is a Python model for dbt or may have scripts. `hooks` only exists
    /// for scripts.
    fn has_python(&self, graph: &RunGraph) -> bool {
        let request = &self.run.request;
        let of_node = |node: &GraphNode| {
            node.language.as_deref() == Some("python") || node.fal_meta(&request.keyword).is_some()
        };
        request.command == "hooks" || graph.nodes.iter().any(of_node)
    }

    /// Starts the processes that Python nodes will need, if the session itself is in Python: the
    /// other engine starts them when it gets there.
    fn warm_up(&self) -> Result<(), StartError> {
        if !self.run.engine().is_python() {
            return Ok(());
        }
        self.run.python.warm_up()
    }

    fn run_dbt(&self, unique_id: &str, resources: &Resources) -> Result<NodeResult, PluginError> {
        self.run.limit(unique_id, resources.timeout);
        let outcome = self.run.engine().run(unique_id);
        outcome.or_else(|error| self.run.failed(unique_id, error))
    }

    /// Replaces the message of a node that failed after an interruption, since the interruption is
    /// the cause.
    fn blame_interruption(&self, mut result: NodeResult) -> NodeResult {
        if self.run.cancel.is_set() && result.status.is_failure() {
            result.message = Some(cancel::interrupted().message);
        }
        result
    }
}

/// Whether a Python model will run for certain, as far as the command line says: all nodes run, or one
/// is named. `begin` knows of the rest.
fn expects_python(request: &OpenRequest, names: &HashSet<String>) -> bool {
    let args = &request.host_args;
    match &*request.command {
        "hooks" => return true,
        "build" | "run" | "show" => {}
        _ => return false,
    }
    if request.retry_of.is_some() || args.contains_key("exclude") || args.contains_key("selector") {
        return false;
    }
    let Some(select) = args.get("select").and_then(Value::as_array) else {
        return !names.is_empty();
    };
    let mut words = select.iter().filter_map(Value::as_str);
    words.any(|word| names.contains(word.trim_matches('+')))
}

impl ExecutionSession for DbtSession {
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        let names = request.python_models.iter().map(|model| model.name.clone());
        let names = self.python_models.get_or_init(|| names.collect());
        if self.run.request.execute {
            self.preload(request);
            if expects_python(&self.run.request, names) {
                // The zygote imports its libraries while dbt reads the project, on another core.
                self.warm_up()?;
            }
        }
        let graph = self.run.load(request)?;
        if request.python_models.is_empty() && !self.has_python(&graph) {
            self.run.python.hang_up();
        }
        Ok(graph)
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        Ok(self.run.engine().select(request)?)
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), PluginError> {
        let models = self.python_models.get();
        let is_python = |id: &String| models.is_some_and(|all| all.contains(self.run.name_of(id)));
        if !request.scripts.is_empty() || request.selected.iter().any(is_python) {
            self.warm_up()?;
        }
        Ok(self.run.begin(request)?)
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let unique_id = &request.unique_id;
        if self.run.cancel.is_set() {
            return Ok(result::interrupted(unique_id));
        }
        let result = match &request.work {
            NodeWork::Dbt => self.run_dbt(unique_id, &request.resources),
            NodeWork::Python(work) => {
                node::run_python(&self.run, unique_id, work, &request.resources)
            }
            NodeWork::Script(work) => node::run_script(&self.run, unique_id, work),
            NodeWork::UnitTest(work) => node::run_unit_test(&self.run, unique_id, work),
        };
        result.map(|result| self.run.with_steps(self.blame_interruption(result)))
    }

    fn lend(&self, request: &LendRequest) -> Result<Lent, PluginError> {
        Ok(match lease::lend(&self.run, request)? {
            Lent::Ended { result } => Lent::Ended {
                result: Box::new(self.blame_interruption(*result)),
            },
            lease => lease,
        })
    }

    fn settle(&self, request: &SettleRequest) -> Result<NodeResult, PluginError> {
        lease::settle(&self.run, request).map(|result| self.blame_interruption(result))
    }

    fn node_error(&self, request: &NodeErrorRequest) -> Result<Option<NodeError>, PluginError> {
        Ok(self.run.take_error(&request.unique_id))
    }

    fn lineage(&self, _request: &()) -> Result<Lineage, PluginError> {
        Ok(self.run.engine().lineage()?)
    }

    fn shows(&self, _request: &()) -> Result<bool, PluginError> {
        Ok(true)
    }

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        Ok(self.run.engine().record(result)?)
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        Ok(self.run.engine().compile(request)?)
    }

    fn cancel(&self) {
        self.run.cancel();
    }

    fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        self.run.close(request)
    }
}

impl Drop for DbtSession {
    fn drop(&mut self) {
        self.run.abandon();
    }
}

impl EngineClient for Run {
    fn event(&self, event: Event) {
        self.events.emit(event);
    }

    fn warn(&self, message: String) {
        Self::warn(self, message);
    }

    fn python_job(self: Arc<Self>, job: NativeJob) {
        node::start_native(self, job);
    }

    fn needs_python(&self) {
        // A job that needs the process reports why it did not start.
        drop(self.python.warm_up());
    }

    fn died(&self, error: &PluginError) {
        self.python.stop_jobs(&Stop::SessionDied(error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn python_is_expected_where_the_command_line_says_so() {
        let names = HashSet::from(["forecast".to_owned()]);
        let expects = |command: &str, args: Value| {
            let mut request = OpenRequest::new("/p", "/s", command);
            request
                .host_args
                .extend(args.as_object().cloned().unwrap_or_default());
            expects_python(&request, &names)
        };
        assert!(expects("run", json!({})));
        assert!(expects("build", json!({"select": ["orders", "+forecast"]})));
        assert!(expects("hooks", json!({"select": ["orders"]})));
        assert!(!expects("run", json!({"select": ["orders+"]})));
        assert!(!expects("run", json!({"exclude": ["forecast"]})));
        assert!(!expects("run", json!({"selector": "nightly"})));
        assert!(!expects("seed", json!({})));
        assert!(!expects_python(
            &OpenRequest::new("/p", "/s", "run"),
            &HashSet::new()
        ));
    }
}
