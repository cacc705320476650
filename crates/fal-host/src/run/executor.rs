//! What runs nodes: the session of the backend, the runners, and what the threads of a run share.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{NodeErrorRequest, NodeRequest, NodeResult},
};
use fal_report::{EventKind, Failure, NodeInfo, Reporters};
use jiff::Timestamp;
use parking_lot::Mutex;

use super::{
    result::{BACKEND, Outcome, answered_for, skipped},
    slots::Slots,
};
use crate::runners::Runner;

/// A hook of a model.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) info: NodeInfo,
    pub(super) request: NodeRequest,
}

impl Hook {
    pub(super) fn path(&self) -> &str {
        self.info.path.as_deref().unwrap_or(&self.info.name)
    }
}

/// Runs nodes and hooks; its clones share everything.
#[derive(Clone)]
pub(super) struct Executor {
    pub(super) session: Arc<dyn ExecutionSession>,
    pub(super) runners: Arc<[Arc<Runner>]>,
    pub(super) leases: Leases,
    /// Slots for hooks of models that take no thread themselves.
    pub(super) hooks: Slots,
    pub(super) reporters: Arc<Reporters>,
    /// Set when nothing more may start, not even within a task.
    pub(super) stopped: Arc<AtomicBool>,
}

impl Executor {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(super) fn run(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        answered_for(BACKEND, &request.unique_id, self.session.run_node(request)?)
    }

    pub(super) fn run_hook(&self, hook: &Hook) -> Result<NodeResult, PluginError> {
        let Outcome { result, failure } = self.explained(self.run(&hook.request)?);
        let kind = EventKind::HookFinished {
            node: hook.info.clone(),
            result: Box::new(result.clone()),
            failure,
        };
        self.reporters.emit(Timestamp::now(), kind);
        Ok(result)
    }

    /// Adds what the backend knows of the error of a node that failed.
    pub(super) fn explained(&self, result: NodeResult) -> Outcome {
        if !result.status.is_failure() {
            return result.into();
        }
        let request = NodeErrorRequest::new(result.unique_id.as_str());
        // Backends built with an earlier interface don't know the method: the message has to do.
        let error = self.session.node_error(&request).ok().flatten();
        let failure = error.map(Failure::from).unwrap_or_default();
        Outcome { result, failure }
    }

    pub(super) fn skip(&self, id: &str) -> NodeResult {
        let result = skipped(id);
        self.record(&result);
        result
    }

    pub(super) fn record(&self, result: &NodeResult) {
        // If the backend cannot record it, the artifact of the host has it.
        let _ = self.session.record(result);
    }
}

/// The register of leases that are not settled yet, by the unique id of the node.
#[derive(Clone, Default)]
pub(super) struct Leases(Arc<Mutex<HashMap<String, String>>>);

impl Leases {
    pub(super) fn add(&self, id: &str, lease: String) {
        self.0.lock().insert(id.to_owned(), lease);
    }

    /// Takes out the lease of a node. Only the first caller gets it, and must settle it.
    pub(super) fn take(&self, id: &str) -> Option<String> {
        self.0.lock().remove(id)
    }
}
