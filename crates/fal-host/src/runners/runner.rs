//! One runner with its open session.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{CloseRequest, NodeRequest, NodeResult},
};
use parking_lot::Mutex;

/// A runner whose session is open.
pub(crate) struct Runner {
    /// Name of its plugin.
    pub(crate) name: String,
    session: Arc<dyn ExecutionSession>,
    /// Number of the runner's slots, if its nodes do not take those of the threads.
    pub(crate) concurrency: Option<usize>,
    broken: Mutex<Option<PluginError>>,
}

impl Runner {
    pub(crate) fn new(
        name: String,
        session: Arc<dyn ExecutionSession>,
        concurrency: Option<u32>,
    ) -> Self {
        let concurrency =
            concurrency.map(|slots| usize::try_from(slots).unwrap_or(usize::MAX).max(1));
        Self {
            name,
            session,
            concurrency,
            broken: Mutex::default(),
        }
    }

    pub(crate) fn session(&self) -> &Arc<dyn ExecutionSession> {
        &self.session
    }

    /// Runs a node to its end. A panic is a failure of the runner and does not unwind further: the caller
    /// must settle the node's lease.
    pub(crate) fn run(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        catch_unwind(AssertUnwindSafe(|| self.session.run_node(request))).unwrap_or_else(|_| {
            Err(PluginError::new(
                "host::panic",
                format!("the call of `{}` panicked", self.name),
            ))
        })
    }

    /// Records that the runner itself failed: it gets no more nodes.
    pub(crate) fn breaks(&self, error: PluginError) {
        self.broken.lock().get_or_insert(error);
    }

    /// Returns how it failed, if it did.
    pub(crate) fn broken(&self) -> Option<PluginError> {
        self.broken.lock().clone()
    }

    pub(crate) fn close(&self, interrupted: bool) -> Result<(), PluginError> {
        self.session
            .close(&CloseRequest { interrupted })
            .map(|_| ())
    }
}
