//! Jobs that read and write through the gateway: opens a job there, runs it, closes it and returns
//! its result.

use std::time::Instant;

use fal_plugin::{
    payload::{NodeResult, NodeStatus, ScriptRole, Timing},
    PluginError,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    error::{AskError, StartError},
    job_end::JobEnd,
    jobs::Stop,
    run::Run,
};

/// The node that a job runs.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Owner<'a> {
    pub(crate) unique_id: &'a str,
    /// When the script runs, for scripts and hooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<ScriptRole>,
    /// The model that the script or hook belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<&'a str>,
}

/// The request `job_open`.
#[derive(Serialize)]
pub(crate) struct JobOpen<'a> {
    pub(crate) job: &'a str,
    pub(crate) token: &'a str,
    #[serde(flatten)]
    pub(crate) owner: Owner<'a>,
}

/// The request `job_close`.
#[derive(Serialize)]
pub(crate) struct JobClose<'a> {
    pub(crate) job: &'a str,
    pub(crate) ok: bool,
    pub(crate) result: &'a NodeResult,
}

/// Returns a new secret: 128 random bits as 32 hexadecimal digits.
pub(crate) fn new_token() -> Result<String, StartError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|cause| StartError::system("random numbers")(cause.into()))?;
    Ok(hex::encode(bytes))
}

/// Runs a job from its start to its result. `execute` gets the token that authorizes it at the
/// gateway.
pub(crate) fn run(
    run: &Run,
    owner: Owner<'_>,
    execute: impl FnOnce(&str) -> JobEnd,
) -> Result<NodeResult, PluginError> {
    let (clock, unique_id) = (Clock::start(), owner.unique_id);
    let token = new_token()?;
    // The job's name at the gateway is no secret; the token is.
    let job = format!("s-{}", &token[..8]);
    if let Err(error) = run.ask::<serde_json::Value>(
        "job_open",
        &JobOpen {
            job: &job,
            token: &token,
            owner,
        },
    ) {
        return run.failed(unique_id, error);
    }
    let end = execute(&token);
    if let JobEnd::Stopped(Stop::SessionDied(error)) = &end {
        return run.failed(unique_id, AskError::Lost(error.clone()));
    }
    let result = clock.result(unique_id, &end);
    match run.ask(
        "job_close",
        &JobClose {
            job: &job,
            ok: end == JobEnd::Done,
            result: &result,
        },
    ) {
        Ok(recorded) => Ok(recorded),
        // Report the job's own error rather than the failure to record it.
        Err(AskError::Answered(_)) if end != JobEnd::Done => Ok(result),
        Err(error) => run.failed(unique_id, error),
    }
}

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

/// dbt's precision.
fn rfc3339(time: Timestamp) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_have_a_fixed_length() {
        let (one, two) = (new_token().unwrap(), new_token().unwrap());
        assert_eq!((one.len(), two.len()), (32, 32));
        assert_ne!(one, two);
    }

    #[test]
    fn times_look_as_in_dbt() {
        assert_eq!(
            rfc3339(Timestamp::UNIX_EPOCH),
            "1970-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn only_scripts_say_where_they_stand() {
        let open = |owner| {
            serde_json::to_string(&JobOpen {
                job: "s-1",
                token: "t",
                owner,
            })
            .unwrap()
        };
        let model = Owner {
            unique_id: "model.p.a",
            ..Owner::default()
        };
        insta::assert_snapshot!(open(model), @r#"{"job":"s-1","token":"t","unique_id":"model.p.a"}"#);
        let hook = Owner {
            unique_id: "hook.a.PRE.x.py",
            role: Some(ScriptRole::PreHook),
            model: Some("model.p.a"),
        };
        insta::assert_snapshot!(open(hook), @r#"{"job":"s-1","token":"t","unique_id":"hook.a.PRE.x.py","role":"pre_hook","model":"model.p.a"}"#);
    }
}
