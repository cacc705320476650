//! Builds the results of nodes that jobs run.

use std::time::Instant;

use fal_plugin::payload::{NodeResult, NodeStatus, Timing};
use jiff::Timestamp;

use crate::{cancel, python::JobEnd};

/// When the job started.
pub(crate) struct Clock {
    started_at: Timestamp,
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self {
            started_at: Timestamp::now(),
            started: Instant::now(),
        }
    }

    /// Returns the result of a job that ended now.
    pub(crate) fn result(&self, unique_id: &str, end: &JobEnd) -> NodeResult {
        let step = Timing {
            name: "execute".to_owned(),
            started_at: Some(rfc3339(self.started_at)),
            completed_at: Some(rfc3339(Timestamp::now())),
        };
        let status = if matches!(end, JobEnd::Done | JobEnd::Rows(_)) {
            NodeStatus::Success
        } else {
            NodeStatus::Error
        };
        NodeResult {
            execution_time: self.started.elapsed().as_secs_f64(),
            timing: vec![step],
            ..plain_result(unique_id, status, end.message())
        }
    }
}

/// Returns a time as dbt writes it.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Returns a result with a status and a message only.
pub(crate) fn plain_result(
    unique_id: &str,
    status: NodeStatus,
    message: Option<String>,
) -> NodeResult {
    let thread = std::thread::current();
    NodeResult {
        message,
        thread_id: thread.name().unwrap_or("fal-host").to_owned(),
        ..NodeResult::new(unique_id, status)
    }
}

/// Returns the result of a node that failed with a message.
pub(crate) fn failure(unique_id: &str, message: impl Into<String>) -> NodeResult {
    plain_result(unique_id, NodeStatus::Error, Some(message.into()))
}

/// Returns the result of a node that an interruption kept from running.
pub(crate) fn interrupted(unique_id: &str) -> NodeResult {
    failure(unique_id, cancel::interrupted().message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_in_dbt() {
        assert_eq!(
            rfc3339(Timestamp::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z"
        );
    }
}
