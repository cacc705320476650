//! A session for tests, which only writes down what it is asked: an owner of data, or a runner.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
    mpsc::Receiver,
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Lease, LendRequest, Lent,
        LoadRequest, NodeRequest, NodeResult, NodeStatus, RunGraph, SelectRequest, SettleRequest,
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
    /// Ahead of each line of the diary: `acme: ` for a runner.
    pub(super) sign: &'static str,
    /// Ids that fail.
    pub(super) failing: Vec<&'static str>,
    /// Calls that are answered with an error: `run a`, `lend a`, `settle a`, `begin`, `close`.
    pub(super) breaking: Vec<&'static str>,
    /// Calls that panic.
    pub(super) panicking: Vec<&'static str>,
    /// Ids whose lending ends them.
    pub(super) ended: Vec<&'static str>,
    /// The user stops the run during this call (`run a`, `lend a`).
    pub(super) stopping: Option<(&'static str, Arc<AtomicBool>)>,
    /// The answer is about another node.
    pub(super) confused: bool,
    /// Calls of `run_node` wait for a word.
    pub(super) gate: Option<Mutex<Receiver<()>>>,
}

impl Fake {
    /// Writes the call down, and does what is to happen during it.
    fn call(&self, call: &str) -> Result<(), PluginError> {
        note(&self.diary, format!("{}{call}", self.sign));
        if let Some((_, stopped)) = self.stopping.as_ref().filter(|(at, _)| *at == call) {
            stopped.store(true, Ordering::SeqCst);
        }
        assert!(!self.panicking.contains(&call), "{call} panics, as the test wants it");
        if self.breaking.contains(&call) {
            return Err(PluginError::new("fake::broken", format!("`{call}` broke")));
        }
        Ok(())
    }

    fn result(&self, id: &str) -> NodeResult {
        let failing = self.failing.contains(&id);
        let status = if failing { NodeStatus::Error } else { NodeStatus::Success };
        let message = failing.then(|| format!("{id} is broken"));
        let answered = if self.confused { "model.shop.other" } else { id };
        NodeResult { message, ..blank(answered, status) }
    }
}

impl ExecutionSession for Fake {
    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let id = request.unique_id.as_str();
        self.call(&format!("run {id}"))?;
        if let Some(lease) = &request.lease {
            assert_eq!(lease.lease, format!("lease of {id}"));
        }
        if let Some(gate) = &self.gate {
            // A test that ends lets all go on.
            let _ = gate.lock().unwrap_or_else(PoisonError::into_inner).recv();
        }
        Ok(self.result(id))
    }

    fn lend(&self, request: &LendRequest) -> Result<Lent, PluginError> {
        let id = request.unique_id.as_str();
        self.call(&format!("lend {id}"))?;
        if self.ended.contains(&id) {
            let result = Box::new(NodeResult { message: Some("no".to_owned()), ..blank(id, NodeStatus::Error) });
            return Ok(Lent::Ended { result });
        }
        let lease = Lease { lease: format!("lease of {id}"), ..Lease::default() };
        Ok(Lent::Lease { lease: Box::new(lease) })
    }

    fn settle(&self, request: &SettleRequest) -> Result<NodeResult, PluginError> {
        let SettleRequest { lease, result } = request;
        assert_eq!(*lease, format!("lease of {}", result.unique_id));
        note(&self.diary, format!("{}settle {} {:?}", self.sign, result.unique_id, result.status));
        let call = format!("settle {}", result.unique_id);
        if self.breaking.contains(&call.as_str()) {
            return Err(PluginError::new("fake::broken", format!("`{call}` broke")));
        }
        Ok(result.clone())
    }

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        note(&self.diary, format!("{}record {} {:?}", self.sign, result.unique_id, result.status));
        Ok(())
    }

    fn load(&self, _: &LoadRequest) -> Result<RunGraph, PluginError> {
        self.call("load")?;
        Ok(RunGraph::default())
    }

    fn select(&self, _: &SelectRequest) -> Result<Vec<String>, PluginError> {
        unreachable!()
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), PluginError> {
        note(&self.diary, format!("{}begin with {}", self.sign, request.selected.join(" ")));
        let broken = PluginError::new("fake::broken", "`begin` broke");
        if self.breaking.contains(&"begin") { Err(broken) } else { Ok(()) }
    }

    fn compile(&self, _: &CompileRequest) -> Result<CompileResponse, PluginError> {
        unreachable!()
    }

    fn cancel(&self) {
        // Only of runners: when the owner's comes, depends on the day.
        if !self.sign.is_empty() {
            note(&self.diary, format!("{}cancel", self.sign));
        }
    }

    fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        self.call(if request.interrupted { "close, interrupted" } else { "close" })?;
        Ok(CloseResponse::default())
    }
}
