//! What one slot of the schedule does: a node with the hooks of its model around it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use fal_plugin::{
    ExecutionSession, PluginError,
    payload::{NodeRequest, NodeResult, NodeStatus},
};
use fal_report::{EventKind, NodeInfo, Reporters};
use jiff::Timestamp;

use super::{
    lending::Leases,
    result::{BACKEND, answered_for, blank, failed},
    slots::Slots,
};
use crate::runners::Runner;

/// A hook of a model.
#[derive(Clone, Debug)]
pub(super) struct Hook {
    pub(super) info: NodeInfo,
    pub(super) request: NodeRequest,
}

/// The hooks of a model, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Hooks {
    pub(super) pre: Vec<Hook>,
    pub(super) post: Vec<Hook>,
}

/// A node and its hooks.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) request: NodeRequest,
    pub(super) hooks: Hooks,
    /// Number of the runner that the node itself goes to; its hooks stay where dbt runs.
    pub(super) runner: Option<usize>,
}

/// Who runs tasks.
#[derive(Clone)]
pub(super) struct Crew {
    pub(super) session: Arc<dyn ExecutionSession>,
    pub(super) runners: Arc<[Arc<Runner>]>,
    pub(super) leases: Leases,
    /// For hooks of models that take no thread themselves.
    pub(super) hooks: Slots,
    pub(super) reporters: Arc<Reporters>,
    /// Nothing more is begun, not even within a task.
    pub(super) stopped: Arc<AtomicBool>,
}

impl Task {
    /// Runs pre-hooks, the node, post-hooks. One result stands for all.
    pub(super) fn run(&self, crew: &Crew) -> Result<NodeResult, PluginError> {
        if self.hooks.pre.is_empty() && self.hooks.post.is_empty() {
            return self.run_node(crew);
        }
        let started = Instant::now();
        let mut result = match self.pre_hooks(crew)? {
            Some(failure) => {
                let result = failed(&self.request.unique_id, started, &failure);
                crew.record(&result);
                result
            }
            None if crew.is_stopped() => crew.skip(&self.request.unique_id),
            None => self.run_node(crew)?,
        };
        let failures = self.post_hooks(crew)?;
        result.execution_time = started.elapsed().as_secs_f64();
        if !failures.is_empty() {
            result = with_failures(result, &failures);
            crew.record(&result);
        }
        Ok(result)
    }

    fn run_node(&self, crew: &Crew) -> Result<NodeResult, PluginError> {
        match self.runner(crew) {
            Some(runner) => crew.run_on(runner, &self.request),
            None => crew.run(&self.request),
        }
    }

    fn runner<'a>(&self, crew: &'a Crew) -> Option<&'a Runner> {
        self.runner
            .and_then(|runner| crew.runners.get(runner))
            .map(|runner| &**runner)
    }

    /// A hook runs where dbt does: in this task's thread, or if its slot is one of a runner's, in one that it waits for.
    fn run_hook(&self, crew: &Crew, hook: &Hook) -> Result<Option<NodeResult>, PluginError> {
        let foreign = self
            .runner(crew)
            .is_some_and(|runner| runner.concurrency.is_some());
        let _slot = foreign.then(|| crew.hooks.take());
        if crew.is_stopped() {
            Ok(None)
        } else {
            crew.run_hook(hook).map(Some)
        }
    }

    /// Runs pre-hooks up to the first that fails, and says so.
    fn pre_hooks(&self, crew: &Crew) -> Result<Option<String>, PluginError> {
        for hook in &self.hooks.pre {
            let Some(result) = self.run_hook(crew, hook)? else {
                break;
            };
            if !went_well(&result) {
                let message = result.message.unwrap_or_default();
                return Ok(Some(format!(
                    "The pre-hook {} failed, so the model did not run\n{message}",
                    hook.path()
                )));
            }
        }
        Ok(None)
    }

    /// Runs all post-hooks, also behind one that fails; the failures, each with its hook.
    fn post_hooks(&self, crew: &Crew) -> Result<Vec<(String, String)>, PluginError> {
        let mut failures = Vec::new();
        for hook in &self.hooks.post {
            let Some(result) = self.run_hook(crew, hook)? else {
                break;
            };
            if !went_well(&result) {
                failures.push((hook.path().to_owned(), result.message.unwrap_or_default()));
            }
        }
        Ok(failures)
    }
}

impl Hook {
    fn path(&self) -> &str {
        self.info.path.as_deref().unwrap_or(&self.info.name)
    }
}

impl Crew {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn run(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        answered_for(BACKEND, &request.unique_id, self.session.run_node(request)?)
    }

    fn run_hook(&self, hook: &Hook) -> Result<NodeResult, PluginError> {
        let result = self.run(&hook.request)?;
        let kind = EventKind::HookFinished {
            node: hook.info.clone(),
            result: Box::new(result.clone()),
        };
        self.reporters.emit(Timestamp::now(), kind);
        Ok(result)
    }

    pub(super) fn skip(&self, id: &str) -> NodeResult {
        let message = Some("Skipped because the run was interrupted".to_owned());
        let result = NodeResult {
            message,
            ..blank(id, NodeStatus::Skipped)
        };
        self.record(&result);
        result
    }

    fn record(&self, result: &NodeResult) {
        // What the backend cannot record, the artifact of the host will.
        let _ = self.session.record(result);
    }
}

fn went_well(result: &NodeResult) -> bool {
    !result.status.is_failure() && result.status != NodeStatus::Skipped
}

/// The model failed because of its post-hooks, if it had not failed by itself.
fn with_failures(mut result: NodeResult, failures: &[(String, String)]) -> NodeResult {
    let ran = went_well(&result);
    let mut messages: Vec<String> = result.message.take().filter(|_| !ran).into_iter().collect();
    for (path, message) in failures {
        let fate = if ran {
            "failed; the model had run, and its table was written"
        } else {
            "failed too"
        };
        messages.push(format!(
            "The post-hook {path} {fate}\n{}",
            message.trim_end()
        ));
    }
    result.status = NodeStatus::Error;
    result.message = Some(messages.join("\n\n"));
    result
}

#[cfg(test)]
mod tests;
