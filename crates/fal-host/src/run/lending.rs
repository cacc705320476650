//! One Python model on a runner: the owner of the data lends it, the runner runs it, the owner settles.
//!
//! What is lent is settled, whatever happens between: that is the one rule here. The lease stands in a register until somebody
//! takes it out, and whoever does settles it: the thread of the node as a rule, the dispatcher when it goes on without it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{LendRequest, Lent, NodeRequest, NodeResult, NodeStatus, SettleRequest},
};

use super::{
    executor::Executor,
    result::{BACKEND, answered_for, blank, failed},
};
use crate::runners::Runner;

impl Executor {
    /// Runs a node on a runner.
    ///
    /// # Errors
    /// If the owner of the data is broken. A runner that is, is remembered, and the node failed.
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
            // The dispatcher went on without this node, and settled.
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
            // What is cancelled may end in any way.
            if !self.is_stopped() {
                runner.breaks(error);
            }
            failed(id, began, &message)
        })
    }
}

/// Ends a lease, and gives the result as recorded.
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

/// Settles for nodes that do not end, side by side, waiting no longer than `patience`: what is recorded of each.
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
            // Nobody listens any more if it took too long.
            let _ = sender.send(settle(&*session, lease, result));
        };
        // Without a thread the end of the session undoes what was written.
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

fn skipped(id: &str) -> NodeResult {
    let message = Some("Skipped because the run was interrupted".to_owned());
    NodeResult {
        message,
        ..blank(id, NodeStatus::Skipped)
    }
}

#[cfg(test)]
mod tests;
