//! The backend's session, which handles the host's requests.

use std::sync::{atomic::Ordering, Arc};

use fal_plugin::{
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, GraphNode,
        LendRequest, Lent, LoadRequest, NodeError, NodeErrorRequest, NodeRequest, NodeResult,
        NodeWork, Resources, RunGraph, SelectRequest, SettleRequest,
    },
    ExecutionSession, PluginError,
};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use crate::{
    cancel, close,
    gateway_job::plain_result,
    lease,
    packages::Packages,
    python_node,
    run::{Loaded, Run},
    script_node, unit_test_node,
};

/// A running session of the dbt backend.
pub struct DbtSession {
    run: Arc<Run>,
    preload: Vec<String>,
}

#[derive(Serialize)]
struct Load<'a> {
    #[serde(flatten)]
    request: &'a LoadRequest,
    gateway: Value,
}

/// The part of the session's answer to `load` that the host does not get.
#[derive(Deserialize)]
struct WithGateway {
    gateway: Option<Gateway>,
}

#[derive(Deserialize)]
struct Gateway {
    location: String,
}

#[derive(Deserialize)]
struct Selected {
    unique_ids: Vec<String>,
}

impl DbtSession {
    pub(crate) fn new(run: Arc<Run>, preload: Vec<String>) -> Self {
        Self { run, preload }
    }

    /// Makes the zygotes import the modules that the models import. Ends them if the project has no
    /// Python.
    fn preload(&self, request: &LoadRequest) {
        let imports = request
            .python_models
            .iter()
            .flat_map(|model| &model.imports);
        let mut modules: Vec<_> = self.preload.iter().chain(imports).cloned().collect();
        modules.sort_unstable();
        modules.dedup();
        if !modules.is_empty() {
            self.run.zygotes.preload(modules);
        }
    }

    fn take_graph(&self, graph: &RunGraph, request: &LoadRequest, gateway: Option<Gateway>) {
        let location = gateway.map(|gateway| gateway.location).unwrap_or_default();
        // A second load keeps the first graph: dbt's graph does not change within a session.
        self.run
            .environments
            .add(Packages::of(&graph.nodes, &self.run.request.keyword));
        let _ = self
            .run
            .loaded
            .set(Loaded::new(graph, location, &self.run.request.keyword));
        if request.python_models.is_empty() && !self.has_python(graph) {
            self.run.zygotes.hang_up();
        }
    }

    /// Returns whether a node is a Python model for dbt or may have scripts. `hooks` only exists
    /// for scripts.
    fn has_python(&self, graph: &RunGraph) -> bool {
        let Run { request, .. } = &*self.run;
        let of_node = |node: &GraphNode| {
            node.language.as_deref() == Some("python") || node.fal_meta(&request.keyword).is_some()
        };
        request.command == "hooks" || graph.nodes.iter().any(of_node)
    }

    fn run_dbt(&self, unique_id: &str, resources: &Resources) -> Result<NodeResult, PluginError> {
        self.run.limit(unique_id, resources.timeout);
        match self.run.ask("run", &json!({ "unique_id": unique_id })) {
            Ok(result) => Ok(result),
            Err(error) => self.run.failed(unique_id, error),
        }
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

impl ExecutionSession for DbtSession {
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        if self.run.request.execute {
            self.preload(request);
        }
        let gateway = json!({ "socket_dir": self.run.run_dir.gateway_dir() });
        let reply = self
            .run
            .dbt
            .channel
            .send("load", &Load { request, gateway })
            .reply()?;
        let graph: RunGraph = reply.read()?;
        let with: WithGateway = reply.read()?;
        self.take_graph(&graph, request, with.gateway);
        Ok(graph)
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        let selected: Selected = self.run.ask("select", request)?;
        Ok(selected.unique_ids)
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), PluginError> {
        self.run.begun.store(true, Ordering::SeqCst);
        self.run.prepare(&request.environments, &request.selected);
        self.run.ask::<Value>("begin", request)?;
        Ok(())
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let unique_id = &request.unique_id;
        if self.run.cancel.is_set() {
            let message = cancel::interrupted().message;
            return Ok(plain_result(
                unique_id,
                fal_plugin::payload::NodeStatus::Error,
                Some(message),
            ));
        }
        let result = match &request.work {
            NodeWork::Dbt => self.run_dbt(unique_id, &request.resources),
            NodeWork::Python(work) => {
                python_node::run(&self.run, unique_id, work, &request.resources)
            }
            NodeWork::Script(work) => script_node::run(&self.run, unique_id, work),
            NodeWork::UnitTest(work) => unit_test_node::run(&self.run, unique_id, work),
        };
        result.map(|result| self.blame_interruption(result))
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

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        self.run.ask::<Value>("record", result)?;
        Ok(())
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        Ok(self.run.ask("compile", request)?)
    }

    fn cancel(&self) {
        cancel::cancel(&self.run);
    }

    fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        close::close(&self.run, request)
    }
}

impl Drop for DbtSession {
    fn drop(&mut self) {
        close::abandon(&self.run);
    }
}
