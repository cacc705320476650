//! The run loop: owns the schedule, starts nodes on threads, receives their results, decides what is next.
//!
//! One thread owns all state and decides; it never waits for a node, only for messages. So a Ctrl-C always
//! gets through, and the loop can go on without a node that does not end.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use fal_graph::{Dag, NodeId, Outcome as NodeOutcome, Schedule, SkipCause as Cause, Skipped};
use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{NodeResult, NodeStatus},
};
use fal_report::{EventKind, NodeInfo, Reporters, SkipCause, Summary};
use jiff::Timestamp;

use super::{
    executor::{Executor, Leases},
    lending::settle_abandoned,
    plan::Plan,
    result::{self, Outcome, failed},
    slots::Slots,
};
use crate::{interrupt::Interrupt, runners::Runner};

/// How long a cancelled node may take to end before the run abandons it. Together with [`SETTLING`] and the
/// end of the session it must stay below the patience of the command line, which then ends the process.
const GRACE: Duration = Duration::from_millis(1100);
/// How long the run waits for the leases of abandoned nodes to be settled.
const SETTLING: Duration = Duration::from_millis(250);

/// How the nodes ended.
#[derive(Debug, Default)]
pub(crate) struct Dispatched {
    pub(crate) summary: Summary,
    pub(crate) interrupted: bool,
    /// Why the backend itself failed, so that nothing more could run.
    pub(crate) broken: Option<PluginError>,
}

enum Message {
    Ended(NodeId, Box<Result<Outcome, PluginError>>),
    Interrupt,
}

/// The run loop and its state.
pub(crate) struct Dispatcher<'a> {
    dag: &'a Dag,
    plan: &'a Plan,
    schedule: Schedule,
    executor: Executor,
    /// Free slots by class: the threads, then the slots of each runner that has its own.
    free: Vec<usize>,
    messages: (Sender<Message>, Receiver<Message>),
    /// The nodes that run, with their number and start.
    running: Vec<(NodeId, u64, Instant)>,
    started: u64,
    deadline: Option<Instant>,
    ended: Dispatched,
}

impl<'a> Dispatcher<'a> {
    pub(crate) fn new(
        dag: &'a Dag,
        plan: &'a Plan,
        schedule: Schedule,
        session: &Arc<dyn ExecutionSession>,
        reporters: &Arc<Reporters>,
        threads: usize,
    ) -> Self {
        let (session, reporters) = (Arc::clone(session), Arc::clone(reporters));
        Self {
            dag,
            plan,
            schedule,
            executor: Executor {
                session,
                runners: Arc::new([]),
                leases: Leases::default(),
                hooks: Slots::new(threads),
                reporters,
                stopped: Arc::new(AtomicBool::new(false)),
            },
            free: vec![threads.max(1)],
            messages: mpsc::channel(),
            running: Vec::new(),
            started: 0,
            deadline: None,
            ended: Dispatched::default(),
        }
    }

    /// Adds runners, numbered as in the plan.
    pub(crate) fn with_runners(mut self, runners: &[Arc<Runner>]) -> Self {
        self.executor.runners = runners.into();
        self.free
            .extend(runners.iter().filter_map(|runner| runner.concurrency));
        self
    }

    /// Runs all nodes to their end.
    pub(crate) fn run(mut self, interrupt: &Interrupt) -> Dispatched {
        let sender = self.messages.0.clone();
        // The receiver is gone when the loop is over.
        interrupt.listen(move || _ = sender.send(Message::Interrupt));
        if interrupt.is_raised() {
            self.interrupt();
        }
        loop {
            self.start_ready();
            if self.running.is_empty() {
                break;
            }
            match self.next_message() {
                Some(Message::Ended(node, result)) => self.node_ended(node, *result),
                Some(Message::Interrupt) => self.interrupt(),
                None => self.abandon(),
            }
        }
        self.ended
    }

    fn next_message(&self) -> Option<Message> {
        let Some(deadline) = self.deadline else {
            return self.messages.1.recv().ok();
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.messages.1.recv_timeout(left).ok()
    }

    fn start_ready(&mut self) {
        loop {
            let ready = self.schedule.pop_free(&mut self.free);
            if ready.is_empty() {
                break;
            }
            for node in ready {
                match self
                    .plan
                    .runner(node)
                    .and_then(|runner| self.executor.runners.get(runner))
                    .cloned()
                {
                    Some(runner) if runner.broken().is_some() => self.leave_out(node, &runner),
                    _ => self.start(node),
                }
            }
        }
    }

    /// Skips a node whose runner failed before, and the nodes that depend on it.
    fn leave_out(&mut self, node: NodeId, runner: &Runner) {
        self.free[self.schedule.class(node)] += 1;
        let step = self.schedule.finished(node, NodeOutcome::Failed);
        self.skip_one(
            node,
            SkipCause::Other {
                reason: format!("the runner {} failed", runner.name),
            },
        );
        self.skip(&step.skipped);
    }

    fn start(&mut self, node: NodeId) {
        self.started += 1;
        let (index, total) = (self.started, self.plan.total);
        self.running.push((node, index, Instant::now()));
        self.emit(EventKind::NodeStarted {
            index,
            total,
            node: self.plan.info(self.dag, node),
        });
        let (executor, sender) = (self.executor.clone(), self.messages.0.clone());
        let task = self.plan.task(self.dag, node);
        let run = move || {
            // Asked for on the node's thread: the loop never waits for a plugin.
            let run = || task.run(&executor).map(|result| executor.explained(result));
            let result = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(panicked()));
            // The receiver is gone if the run did not wait for this node.
            let _ = sender.send(Message::Ended(node, Box::new(result)));
        };
        let name = format!("node-{index}");
        if let Err(cause) = thread::Builder::new().name(name).spawn(run) {
            let error = PluginError::new(
                "host::thread",
                format!("no thread could be started: {cause}"),
            );
            let _ = self
                .messages
                .0
                .send(Message::Ended(node, Box::new(Err(error))));
        }
    }

    fn node_ended(&mut self, node: NodeId, result: Result<Outcome, PluginError>) {
        let Some(at) = self.running.iter().position(|(other, ..)| *other == node) else {
            return;
        };
        let (_, index, started) = self.running.remove(at);
        self.free[self.schedule.class(node)] += 1;
        let id = self.dag.node(node).unique_id();
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => self.broke(id, started, error).into(),
        };
        self.book(node, index, outcome);
    }

    fn book(&mut self, node: NodeId, index: u64, Outcome { result, failure }: Outcome) {
        let outcome = if result.status.is_failure() || result.status == NodeStatus::Skipped {
            NodeOutcome::Failed
        } else {
            NodeOutcome::Succeeded
        };
        self.ended.summary.add(result.status);
        let total = self.plan.total;
        let info = self.plan.info(self.dag, node);
        self.emit(EventKind::NodeFinished {
            index,
            total,
            node: info,
            result: Box::new(result),
            failure,
        });
        let step = self.schedule.finished(node, outcome);
        self.skip(&step.skipped);
    }

    /// Handles a failure of the backend, not of the node: the run ends, and all waiting nodes are skipped.
    fn broke(&mut self, id: &str, started: Instant, error: PluginError) -> NodeResult {
        let result = failed(id, started, &error.message);
        if self.ended.broken.is_none() && !self.ended.interrupted {
            self.ended.broken = Some(error);
            let skipped = self.schedule.cancel();
            self.skip(&skipped);
            self.cancel_sessions();
        }
        result
    }

    fn skip(&mut self, skipped: &[Skipped]) {
        for Skipped { node, cause } in skipped {
            let cause = self.cause(*cause);
            self.skip_one(*node, cause);
        }
    }

    fn skip_one(&mut self, node: NodeId, cause: SkipCause) {
        self.started += 1;
        self.ended.summary.add(NodeStatus::Skipped);
        let message = match &cause {
            SkipCause::Upstream { name, .. } => Some(format!("Skipped because {name} failed")),
            SkipCause::FailFast => Some("Skipped because of --fail-fast".to_owned()),
            SkipCause::Interrupted => Some("Skipped because the run was interrupted".to_owned()),
            SkipCause::Other { reason } => Some(reason.clone()),
        };
        let id = self.dag.node(node).unique_id();
        let result = result::ended(id, NodeStatus::Skipped, message);
        // What the backend cannot record, the artifact of the host will.
        let _ = self.executor.session.record(&result);
        let (index, total, node) = (
            self.started,
            self.plan.total,
            self.plan.info(self.dag, node),
        );
        self.emit(EventKind::NodeSkipped {
            index,
            total,
            node,
            cause,
        });
    }

    fn cause(&self, cause: Cause) -> SkipCause {
        match cause {
            Cause::Ancestor(node) => {
                let NodeInfo {
                    unique_id, name, ..
                } = self.plan.info(self.dag, node);
                SkipCause::Upstream { unique_id, name }
            }
            Cause::FailFast(_) => SkipCause::FailFast,
            Cause::Cancelled if self.ended.interrupted => SkipCause::Interrupted,
            Cause::Cancelled => SkipCause::Other {
                reason: "the execution backend failed".to_owned(),
            },
        }
    }

    fn interrupt(&mut self) {
        if self.ended.interrupted {
            return;
        }
        self.ended.interrupted = true;
        self.deadline = Some(Instant::now() + GRACE);
        let names = self
            .running
            .iter()
            .map(|(node, ..)| self.plan.info(self.dag, *node).name)
            .collect();
        self.emit(EventKind::Interrupted { running: names });
        let skipped = self.schedule.cancel();
        self.cancel_sessions();
        self.skip(&skipped);
    }

    fn cancel_sessions(&mut self) {
        self.deadline = self.deadline.or_else(|| Some(Instant::now() + GRACE));
        self.executor.stopped.store(true, Ordering::SeqCst);
        let of_runners = self.executor.runners.iter().map(|runner| runner.session());
        for session in of_runners.chain([&self.executor.session]) {
            let session = Arc::clone(session);
            // On another thread: `cancel` may block, and this loop must receive the results of the cancelled
            // nodes meanwhile. Without a thread, closing the session ends the nodes.
            let _ = thread::Builder::new()
                .name("cancel".to_owned())
                .spawn(move || session.cancel());
        }
    }

    /// Gives up on nodes that did not end in time: closing the sessions will end them.
    fn abandon(&mut self) {
        // From here on `node_ended` ignores the results of these nodes, so each node is booked once.
        let running = std::mem::take(&mut self.running);
        let id = |node: NodeId| self.dag.node(node).unique_id();
        let result = |node, started| failed(id(node), started, "Interrupted while it ran");
        let lease = |(node, _, started): &(NodeId, u64, Instant)| {
            Some((
                self.executor.leases.take(id(*node))?,
                result(*node, *started),
            ))
        };
        // Taking a lease out of the register makes this thread the one that settles it. If the thread of the
        // node was faster, it has settled or is about to, and the backend has recorded its result.
        let leases: Vec<_> = running.iter().filter_map(lease).collect();
        let lent: HashSet<String> = leases
            .iter()
            .map(|(_, result)| result.unique_id.clone())
            .collect();
        let settled = settle_abandoned(&self.executor.session, leases, SETTLING);
        for (node, index, started) in running {
            let settled = settled
                .iter()
                .find(|settled| settled.unique_id == id(node))
                .cloned();
            let result = settled.unwrap_or_else(|| result(node, started));
            // The backend recorded the result when it settled; only nodes that were not lent need it here.
            if !lent.contains(&result.unique_id) {
                let _ = self.executor.session.record(&result);
            }
            self.book(node, index, result.into());
        }
    }

    fn emit(&self, kind: EventKind) {
        self.executor.reporters.emit(Timestamp::now(), kind);
    }
}

/// The error of a node whose thread panicked: in fal-host, or in a plugin without a catch for panics.
fn panicked() -> PluginError {
    PluginError::new("host::panic", "the thread of the node panicked")
        .with_help("this is a fault of fal-host: report it, with the output above")
}

#[cfg(test)]
mod runner_tests;
#[cfg(test)]
mod tests;
