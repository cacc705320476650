//! A session for tests, which only writes down what it is asked.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, LoadRequest, NodeRequest,
        NodeResult, NodeStatus, RunGraph, SelectRequest,
    },
};

use super::result::blank;

/// What happened, in order.
pub(super) type Diary = Arc<Mutex<Vec<String>>>;

pub(super) fn note(diary: &Diary, line: String) {
    diary.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

#[derive(Default)]
pub(super) struct Fake {
    pub(super) diary: Diary,
    /// Ids that fail.
    pub(super) failing: Vec<&'static str>,
    /// The user stops the run while this one runs.
    pub(super) stopping: Option<(&'static str, Arc<AtomicBool>)>,
    /// The answer is about another node.
    pub(super) confused: bool,
}

impl ExecutionSession for Fake {
    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let id = request.unique_id.as_str();
        note(&self.diary, format!("run {id}"));
        if let Some((_, stopped)) = self.stopping.as_ref().filter(|(at, _)| *at == id) {
            stopped.store(true, Ordering::SeqCst);
        }
        let failing = self.failing.contains(&id);
        let status = if failing { NodeStatus::Error } else { NodeStatus::Success };
        let message = failing.then(|| format!("{id} is broken"));
        let answered = if self.confused { "model.shop.other" } else { id };
        Ok(NodeResult { message, ..blank(answered, status) })
    }

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        note(&self.diary, format!("record {} {:?}", result.unique_id, result.status));
        Ok(())
    }

    fn load(&self, _: &LoadRequest) -> Result<RunGraph, PluginError> {
        unreachable!()
    }

    fn select(&self, _: &SelectRequest) -> Result<Vec<String>, PluginError> {
        unreachable!()
    }

    fn begin(&self, _: &BeginRequest) -> Result<(), PluginError> {
        unreachable!()
    }

    fn compile(&self, _: &CompileRequest) -> Result<CompileResponse, PluginError> {
        unreachable!()
    }

    fn cancel(&self) {}

    fn close(&self, _: &CloseRequest) -> Result<CloseResponse, PluginError> {
        unreachable!()
    }
}
