//! Results that the host makes itself.

use std::time::Instant;

use fal_plugin::{
    PluginError,
    payload::{NodeResult, NodeStatus},
};

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

/// An error of a node that began at `started`.
pub(super) fn failed(id: &str, started: Instant, message: &str) -> NodeResult {
    NodeResult {
        message: Some(message.to_owned()),
        execution_time: started.elapsed().as_secs_f64(),
        ..blank(id, NodeStatus::Error)
    }
}

/// A result that says no more than how it ended.
pub(super) fn blank(id: &str, status: NodeStatus) -> NodeResult {
    NodeResult {
        unique_id: id.to_owned(),
        status,
        message: None,
        execution_time: 0.0,
        rows_affected: None,
        failures: None,
        timing: Vec::new(),
        thread_id: "fal-host".to_owned(),
        adapter_response: serde_json::Map::new(),
        compiled: None,
        compiled_code: None,
        relation_name: None,
    }
}
