//! Results that the host makes itself.

use std::time::Instant;

use fal_plugin::{
    PluginError,
    payload::{NodeResult, NodeStatus},
};
use fal_report::Failure;

/// How a node ended, with its error as data.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: NodeResult,
    pub(super) failure: Failure,
}

impl From<NodeResult> for Outcome {
    fn from(result: NodeResult) -> Self {
        Self {
            result,
            failure: Failure::default(),
        }
    }
}

/// The result, if it is about this node: an answer about another one would be booked on it. `who` answered, for the message.
pub(super) fn answered_for(
    who: &str,
    id: &str,
    result: NodeResult,
) -> Result<NodeResult, PluginError> {
    if result.unique_id == id {
        return Ok(result);
    }
    let message = format!(
        "{who} answered for `{}` when it was asked to run `{id}`",
        result.unique_id
    );
    Err(PluginError::new("plugin::bad_answer", message))
}

/// Who answers, if no runner does.
pub(super) const BACKEND: &str = "the execution backend";

/// Returns the error of a node that began at `started`.
pub(super) fn failed(id: &str, started: Instant, message: &str) -> NodeResult {
    NodeResult {
        execution_time: started.elapsed().as_secs_f64(),
        ..ended(id, NodeStatus::Error, Some(message.to_owned()))
    }
}

/// Returns the result of a node whose end the host knows without a backend.
pub(super) fn ended(id: &str, status: NodeStatus, message: Option<String>) -> NodeResult {
    NodeResult {
        message,
        thread_id: "fal-host".to_owned(),
        ..NodeResult::new(id, status)
    }
}

/// Returns the result of a node that the user's interruption kept from running.
pub(super) fn skipped(id: &str) -> NodeResult {
    let message = "Skipped because the run was interrupted".to_owned();
    ended(id, NodeStatus::Skipped, Some(message))
}
