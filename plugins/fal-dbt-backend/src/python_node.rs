//! A Python or notebook model: the gateway opened for it, its job, and its result.

use std::time::Instant;

use fal_plugin::{
    payload::{NodeResult, NodeStatus, PythonWork, Timing},
    PluginError,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::{
    error::AskError,
    job::{Kind, Work},
    job_end::JobEnd,
    jobs::Stop,
    run::Run,
    token,
};

#[derive(Serialize)]
struct Close<'a> {
    job: &'a str,
    ok: bool,
    result: &'a NodeResult,
}

/// Runs the model.
pub(crate) fn run(run: &Run, unique_id: &str, work: &PythonWork) -> Result<NodeResult, PluginError> {
    let clock = Clock::start();
    let token = token::random()?;
    // The gateway's name of the job; the token is the secret.
    let job = format!("s-{}", &token[..8]);
    if let Err(error) =
        run.ask::<serde_json::Value>("job_open", &json!({ "job": job, "token": token, "unique_id": unique_id }))
    {
        return run.failed(unique_id, error);
    }
    let end = execute(run, unique_id, work, &token);
    if let JobEnd::Stopped(Stop::SessionDied(error)) = &end {
        return run.failed(unique_id, AskError::Lost(error.clone()));
    }
    let result = clock.result(unique_id, &end);
    match run.ask("job_close", &Close { job: &job, ok: end == JobEnd::Done, result: &result }) {
        Ok(recorded) => Ok(recorded),
        // What the model itself says is worth more than that nobody took note of it.
        Err(AskError::Answered(_)) if end != JobEnd::Done => Ok(result),
        Err(error) => run.failed(unique_id, error),
    }
}

fn execute(run: &Run, unique_id: &str, work: &PythonWork, token: &str) -> JobEnd {
    let cwd = run.cwd();
    run.run_job(&Work {
        kind: Kind::Script,
        unique_id,
        name: run.name_of(unique_id),
        path: &work.path,
        code: &work.code,
        lines: work.lines.as_deref(),
        project_dir: &run.request.project_dir,
        cwd: &cwd,
        location: run.location(),
        token,
        vars: &run.request.vars,
        target: run.target(),
    })
}

/// When the model started.
struct Clock {
    started_at: Timestamp,
    started: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { started_at: Timestamp::now(), started: Instant::now() }
    }

    fn result(&self, unique_id: &str, end: &JobEnd) -> NodeResult {
        let step = Timing {
            name: "execute".to_owned(),
            started_at: Some(rfc3339(self.started_at)),
            completed_at: Some(rfc3339(Timestamp::now())),
        };
        let status = if *end == JobEnd::Done { NodeStatus::Success } else { NodeStatus::Error };
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

/// A result that says no more than how it ended.
pub(crate) fn plain_result(unique_id: &str, status: NodeStatus, message: Option<String>) -> NodeResult {
    NodeResult {
        unique_id: unique_id.to_owned(),
        status,
        message,
        execution_time: 0.0,
        rows_affected: None,
        failures: None,
        timing: Vec::new(),
        thread_id: std::thread::current().name().unwrap_or("fal-host").to_owned(),
        adapter_response: serde_json::Map::new(),
        compiled: None,
        compiled_code: None,
        relation_name: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_in_dbt() {
        assert_eq!(rfc3339(Timestamp::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
