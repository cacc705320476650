//! One Python model on a runner: the execution backend lends it, the runner runs it, the backend settles.
//!
//! Every lease is settled exactly once, whatever happens in between. A lease lies in the register
//! [`Leases`](super::executor::Leases) until one thread takes it out, and that thread settles it: usually
//! the thread of the node. If a runner ignores Ctrl-C, the dispatcher takes the lease and settles it itself,
//! without waiting for the runner.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{LendRequest, Lent, NodeRequest, NodeResult, SettleRequest},
};

use super::{
    executor::Executor,
    result::{BACKEND, answered_for, failed, skipped},
};
use crate::runners::Runner;

impl Executor {
    /// Runs a node on a runner.
    ///
    /// # Errors
    /// If the execution backend fails. If the runner fails, the node fails and the runner gets no more.
    pub(super) fn run_on(
        &self,
        runner: &Runner,
        request: &NodeRequest,
    ) -> Result<NodeResult, PluginError> {
        let id = request.unique_id.as_str();
        if self.is_stopped() {
            return Ok(self.skip(id));
        }
        let asked = LendRequest {
            unique_id: id.to_owned(),
            work: request.work.clone(),
            runner: runner.name.clone(),
            resources: request.resources.clone(),
        };
        let lease = match self.session.lend(&asked)? {
            Lent::Lease { lease } => lease,
            Lent::Ended { result } => return answered_for(BACKEND, id, *result),
        };
        self.leases.add(id, lease.lease.clone());
        let result = if self.is_stopped() {
            skipped(id)
        } else {
            self.run_lent(
                runner,
                NodeRequest {
                    lease: Some(lease),
                    ..request.clone()
                },
            )
        };
        match self.leases.take(id) {
            Some(lease) => settle(&*self.session, lease, result),
            // The dispatcher gave up on this node and settled the lease.
            None => Ok(result),
        }
    }

    fn run_lent(&self, runner: &Runner, request: NodeRequest) -> NodeResult {
        let (id, began) = (request.unique_id.as_str(), Instant::now());
        let answer = runner
            .run(&request)
            .and_then(|result| answered_for("it", id, result));
        answer.unwrap_or_else(|error| {
            let message = format!("the runner `{}` failed: {}", runner.name, error.message);
            // A cancelled node may end in any way: that is no failure of the runner.
            if !self.is_stopped() {
                runner.breaks(error);
            }
            failed(id, began, &message)
        })
    }
}

/// Ends a lease, and returns the result as the backend recorded it.
pub(super) fn settle(
    session: &dyn ExecutionSession,
    lease: String,
    result: NodeResult,
) -> Result<NodeResult, PluginError> {
    let id = result.unique_id.clone();
    answered_for(
        BACKEND,
        &id,
        session.settle(&SettleRequest { lease, result })?,
    )
}

/// Settles the leases of nodes that did not end, side by side, and waits no longer than `patience`. Returns
/// the results that the backend recorded in that time.
pub(super) fn settle_abandoned(
    session: &Arc<dyn ExecutionSession>,
    leases: Vec<(String, NodeResult)>,
    patience: Duration,
) -> Vec<NodeResult> {
    let (sender, answers) = std::sync::mpsc::channel();
    let deadline = Instant::now() + patience;
    let mut waiting = 0;
    for (lease, result) in leases {
        let (session, sender) = (Arc::clone(session), sender.clone());
        let work = move || {
            // The receiver is gone if this took too long.
            let _ = sender.send(settle(&*session, lease, result));
        };
        // Without a thread, closing the session undoes what the node wrote.
        waiting += usize::from(
            std::thread::Builder::new()
                .name("settle".to_owned())
                .spawn(work)
                .is_ok(),
        );
    }
    let answer = |_| {
        answers
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .ok()
    };
    (0..waiting)
        .map_while(answer)
        .filter_map(Result::ok)
        .collect()
}

#[cfg(test)]
mod tests;
