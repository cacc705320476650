//! Jobs that read and write through the gateway: opens a job there, runs it, closes it and returns
//! its result.

use fal_plugin::{payload::NodeResult, PluginError};
use serde_json::Value;

use crate::{
    engine::{JobClose, JobOpen, Owner},
    error::{AskError, StartError},
    python::{JobEnd, Stop},
    result::Clock,
    run::Run,
};

/// Returns a new secret: 128 random bits as 32 hexadecimal digits.
pub(crate) fn new_token() -> Result<String, StartError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|cause| StartError::system("random numbers")(cause.into()))?;
    Ok(hex::encode(bytes))
}

/// What a job at the gateway is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It writes a model, or is a script.
    Run,
    /// It runs a model with given rows, and answers with the rows that the model writes.
    UnitTest,
}

/// Runs a job from its start to its result. `execute` gets the token that authorizes it at the
/// gateway, and for a unit test the engine's data on the test.
pub(super) fn run(
    run: &Run,
    owner: Owner<'_>,
    purpose: Purpose,
    execute: impl FnOnce(&str, &Value) -> JobEnd,
) -> Result<NodeResult, PluginError> {
    let (clock, unique_id) = (Clock::start(), owner.unique_id);
    let token = new_token()?;
    // The job's name at the gateway is no secret; the token is.
    let prefix = if purpose == Purpose::Run { 's' } else { 'u' };
    let job = &format!("{prefix}-{}", &token[..8]);
    let open = JobOpen {
        job,
        token: &token,
        owner,
    };
    let opened = match purpose {
        Purpose::Run => run.engine().job_open(&open).map(|()| Value::Null),
        Purpose::UnitTest => run.engine().unit_test_open(&open),
    };
    let end = match opened {
        Ok(test) => execute(&token, &test),
        Err(error) => return run.failed(unique_id, error),
    };
    if let JobEnd::Stopped(Stop::SessionDied(error)) = &end {
        return run.failed(unique_id, AskError::Lost(error.clone()));
    }
    let result = clock.result(unique_id, &end);
    let (ok, rows) = match (purpose, &end) {
        (Purpose::Run, end) => (*end == JobEnd::Done, None),
        (Purpose::UnitTest, JobEnd::Rows(rows)) => (true, Some(rows.as_str())),
        (Purpose::UnitTest, _) => (false, None),
    };
    let close = JobClose {
        job,
        ok,
        rows,
        result: &result,
    };
    let closed = match purpose {
        Purpose::Run => run.engine().job_close(&close),
        Purpose::UnitTest => run.engine().unit_test_close(&close),
    };
    match closed {
        Ok(recorded) => Ok(recorded),
        // Report the job's own error rather than the failure to record it.
        Err(AskError::Answered(_)) if !ok => Ok(result),
        Err(error) => run.failed(unique_id, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_a_fixed_length() {
        let (one, two) = (new_token().unwrap(), new_token().unwrap());
        assert_eq!((one.len(), two.len()), (32, 32));
        assert_ne!(one, two);
    }
}
