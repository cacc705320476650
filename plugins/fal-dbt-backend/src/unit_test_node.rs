//! Runs unit tests of Python models: a job reads given rows instead of the warehouse's, and the
//! session compares what it writes.

use fal_plugin::{
    payload::{NodeResult, UnitTestWork},
    PluginError,
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::AskError,
    gateway_job::{new_token, Clock},
    job::{Kind, Work},
    job_end::JobEnd,
    jobs::Stop,
    python_node,
    run::Run,
};

#[derive(Serialize)]
struct Open<'a> {
    job: &'a str,
    token: &'a str,
    unique_id: &'a str,
}

#[derive(Serialize)]
struct Close<'a> {
    job: &'a str,
    ok: bool,
    rows: Option<&'a str>,
    result: &'a NodeResult,
}

/// Runs a unit test and returns its result.
pub(crate) fn run(
    run: &Run,
    unique_id: &str,
    work: &UnitTestWork,
) -> Result<NodeResult, PluginError> {
    let clock = Clock::start();
    let token = new_token()?;
    let job = format!("u-{}", &token[..8]);
    let answer: Value = match run.ask(
        "unit_test_open",
        &Open {
            job: &job,
            token: &token,
            unique_id,
        },
    ) {
        Ok(answer) => answer,
        Err(error) => return run.failed(unique_id, error),
    };
    let end = execute(run, unique_id, work, &token, &answer);
    if let JobEnd::Stopped(Stop::SessionDied(error)) = &end {
        return run.failed(unique_id, AskError::Lost(error.clone()));
    }
    let result = clock.result(unique_id, &end);
    let rows = if let JobEnd::Rows(rows) = &end {
        Some(rows.as_str())
    } else {
        None
    };
    match run.ask(
        "unit_test_close",
        &Close {
            job: &job,
            ok: rows.is_some(),
            rows,
            result: &result,
        },
    ) {
        Ok(recorded) => Ok(recorded),
        // Report the job's own error rather than the failure to record it.
        Err(AskError::Answered(_)) if rows.is_none() => Ok(result),
        Err(error) => run.failed(unique_id, error),
    }
}

fn execute(run: &Run, unique_id: &str, work: &UnitTestWork, token: &str, answer: &Value) -> JobEnd {
    let cwd = run.cwd();
    let model = answer
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or(unique_id);
    let of_packages = || {
        run.environments
            .packages()
            .and_then(|packages| packages.name(model))
    };
    run.run_job(&Work {
        kind: if work.dbt_native {
            Kind::Native
        } else {
            Kind::Script
        },
        name: run.name_of(model),
        unit_test: Some(answer),
        // Set an environment in any case: unlike other jobs of dbt-native models, a unit test gets
        // it with its work.
        environment: work
            .python
            .environment
            .as_deref()
            .or_else(of_packages)
            .or(Some("local")),
        ..python_node::work_of(run, unique_id, &work.python, token, &cwd)
    })
}
