//! The work of one slot of the schedule: a node with the hooks of its model around it.

use std::time::Instant;

use fal_plugin::{
    PluginError,
    payload::{NodeRequest, NodeResult, NodeStatus},
};

use super::{
    executor::{Executor, Hook},
    result::failed,
};
use crate::runners::Runner;

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

impl Task {
    /// Runs the pre-hooks, the node and the post-hooks. Returns one result for all.
    pub(super) fn run(&self, executor: &Executor) -> Result<NodeResult, PluginError> {
        if self.hooks.pre.is_empty() && self.hooks.post.is_empty() {
            return self.run_node(executor);
        }
        let started = Instant::now();
        let mut result = match self.pre_hooks(executor)? {
            Some(failure) => {
                let result = failed(&self.request.unique_id, started, &failure);
                executor.record(&result);
                result
            }
            None if executor.is_stopped() => executor.skip(&self.request.unique_id),
            None => self.run_node(executor)?,
        };
        let failures = self.post_hooks(executor)?;
        result.execution_time = started.elapsed().as_secs_f64();
        if !failures.is_empty() {
            result = with_failures(result, &failures);
            executor.record(&result);
        }
        Ok(result)
    }

    fn run_node(&self, executor: &Executor) -> Result<NodeResult, PluginError> {
        match self.runner(executor) {
            Some(runner) => executor.run_on(runner, &self.request),
            None => executor.run(&self.request),
        }
    }

    fn runner<'a>(&self, executor: &'a Executor) -> Option<&'a Runner> {
        self.runner
            .and_then(|runner| executor.runners.get(runner))
            .map(|runner| &**runner)
    }

    /// Runs a hook where dbt runs. If the task has a slot of a runner, the hook first waits for one of its own
    /// kind: it would otherwise be one more than the threads allow.
    fn run_hook(
        &self,
        executor: &Executor,
        hook: &Hook,
    ) -> Result<Option<NodeResult>, PluginError> {
        let foreign = self
            .runner(executor)
            .is_some_and(|runner| runner.concurrency.is_some());
        let _slot = foreign.then(|| executor.hooks.take());
        if executor.is_stopped() {
            Ok(None)
        } else {
            executor.run_hook(hook).map(Some)
        }
    }

    /// Runs pre-hooks up to the first that fails, and returns its message.
    fn pre_hooks(&self, executor: &Executor) -> Result<Option<String>, PluginError> {
        for hook in &self.hooks.pre {
            let Some(result) = self.run_hook(executor, hook)? else {
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

    /// Runs all post-hooks, also after one that fails. Returns the failures, each with its hook.
    fn post_hooks(&self, executor: &Executor) -> Result<Vec<(String, String)>, PluginError> {
        let mut failures = Vec::new();
        for hook in &self.hooks.post {
            let Some(result) = self.run_hook(executor, hook)? else {
                break;
            };
            if !went_well(&result) {
                failures.push((hook.path().to_owned(), result.message.unwrap_or_default()));
            }
        }
        Ok(failures)
    }
}

fn went_well(result: &NodeResult) -> bool {
    !result.status.is_failure() && result.status != NodeStatus::Skipped
}

/// Turns the result of a model into a failure of its post-hooks, unless the model itself failed.
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
