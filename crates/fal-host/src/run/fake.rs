//! A session for tests, which only writes down what it is asked: an owner of data, or a runner.

use std::sync::{Arc, mpsc::Receiver};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{
        BeginRequest, CloseRequest, CloseResponse, CompileRequest, CompileResponse, ErrorFrame,
        Lease, LendRequest, Lent, LoadRequest, NodeError, NodeErrorRequest, NodeRequest,
        NodeResult, NodeStatus, RunGraph, SelectRequest, SettleRequest,
    },
};
use parking_lot::Mutex;

use super::result::ended;

/// What happened, in order.
pub(crate) type Diary = Arc<Mutex<Vec<String>>>;

pub(crate) fn note(diary: &Diary, line: String) {
    diary.lock().push(line);
}

/// Something that happens during a call.
type Deed = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) diary: Diary,
    /// Ahead of each line of the diary: `acme: ` for a runner.
    pub(crate) sign: &'static str,
    /// Ids that fail.
    pub(crate) failing: Vec<&'static str>,
    /// Calls that are answered with an error: `run a`, `lend a`, `settle a`, `begin a b`, `close`.
    pub(crate) breaking: Vec<&'static str>,
    /// Calls that panic.
    pub(crate) panicking: Vec<&'static str>,
    /// Ids whose lending ends them.
    pub(crate) ended: Vec<&'static str>,
    /// What happens during this call.
    pub(crate) during: Option<(&'static str, Deed)>,
    /// The answer is about another node.
    pub(crate) confused: bool,
    /// Calls of `run_node` wait for a word.
    pub(crate) gate: Option<Mutex<Receiver<()>>>,
}

impl Fake {
    /// Returns one that answers that this node failed.
    pub(crate) fn failing(id: &'static str) -> Self {
        Self {
            failing: vec![id],
            ..Self::default()
        }
    }

    /// Returns one that answers this call with an error.
    pub(crate) fn breaking(call: &'static str) -> Self {
        Self {
            breaking: vec![call],
            ..Self::default()
        }
    }

    /// Returns one that panics in this call.
    pub(crate) fn panicking(call: &'static str) -> Self {
        Self {
            panicking: vec![call],
            ..Self::default()
        }
    }

    /// Writes the call down, and does what is to happen during it.
    fn call(&self, call: &str) -> Result<(), PluginError> {
        note(&self.diary, format!("{}{call}", self.sign));
        if let Some((_, deed)) = self.during.as_ref().filter(|(at, _)| *at == call) {
            deed();
        }
        assert!(
            !self.panicking.contains(&call),
            "{call} panics, as the test wants it"
        );
        if self.breaking.contains(&call) {
            return Err(PluginError::new("fake::broken", format!("`{call}` broke")));
        }
        Ok(())
    }

    fn result(&self, id: &str) -> NodeResult {
        let failing = self.failing.contains(&id);
        let status = if failing {
            NodeStatus::Error
        } else {
            NodeStatus::Success
        };
        let message = failing.then(|| format!("{id} is broken"));
        let answered = if self.confused {
            "model.shop.other"
        } else {
            id
        };
        ended(answered, status, message)
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
            let _ = gate.lock().recv();
        }
        Ok(self.result(id))
    }

    fn lend(&self, request: &LendRequest) -> Result<Lent, PluginError> {
        let id = request.unique_id.as_str();
        self.call(&format!("lend {id}"))?;
        if self.ended.contains(&id) {
            let result = Box::new(ended(id, NodeStatus::Error, Some("no".to_owned())));
            return Ok(Lent::Ended { result });
        }
        let lease = Lease {
            lease: format!("lease of {id}"),
            ..Lease::default()
        };
        Ok(Lent::Lease {
            lease: Box::new(lease),
        })
    }

    fn settle(&self, request: &SettleRequest) -> Result<NodeResult, PluginError> {
        let SettleRequest { lease, result } = request;
        assert_eq!(*lease, format!("lease of {}", result.unique_id));
        note(
            &self.diary,
            format!(
                "{}settle {} {:?}",
                self.sign, result.unique_id, result.status
            ),
        );
        let call = format!("settle {}", result.unique_id);
        if self.breaking.contains(&call.as_str()) {
            return Err(PluginError::new("fake::broken", format!("`{call}` broke")));
        }
        Ok(result.clone())
    }

    fn node_error(&self, request: &NodeErrorRequest) -> Result<Option<NodeError>, PluginError> {
        let id = request.unique_id.as_str();
        Ok(self.failing.contains(&id).then(|| NodeError {
            frames: vec![ErrorFrame::new(format!("models/{id}.py"), 3)],
            ..NodeError::new("exception", format!("{id} is broken"))
        }))
    }

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        note(
            &self.diary,
            format!(
                "{}record {} {:?}",
                self.sign, result.unique_id, result.status
            ),
        );
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
        self.call(&format!("begin {}", request.selected.join(" ")))
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
        self.call(if request.interrupted {
            "close, interrupted"
        } else {
            "close"
        })?;
        Ok(CloseResponse::default())
    }
}
