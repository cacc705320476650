//! Settles leases: commits or rolls back what the node wrote.

use fal_plugin::{
    payload::{NodeResult, SettleRequest},
    PluginError,
};

use super::{
    desk::Open,
    lend::OfJob,
    native,
    verdict::{Runner, Settled},
};
use crate::{
    error::{AskError, LEASE},
    gateway_job::JobClose,
    job_end::JobEnd,
    run::Run,
};

/// Settles a lease and returns the node's result.
pub(crate) fn settle(run: &Run, request: &SettleRequest) -> Result<NodeResult, PluginError> {
    let open = run.leases.take(&request.lease).ok_or_else(|| {
        PluginError::new(
            LEASE,
            format!("there is no lease `{}`, or it is settled", request.lease),
        )
    })?;
    let settled: Settled = match run.ask("job_settle", &OfJob { job: &open.job }) {
        Ok(settled) => settled,
        // Nothing will be committed. The verdict below or the runner's result reports why.
        Err(AskError::Answered(_)) => Settled::default(),
        Err(error) => return run.failed(&open.unique_id, error),
    };
    let runner = Runner {
        name: &open.runner,
        gateway_is_local: run.leases.is_local(),
    };
    let end = settled.end(&request.result, &runner);
    run.keep_error(&open.unique_id, &end);
    match close(run, &open, &settled, &end, &request.result) {
        Ok(recorded) => Ok(recorded),
        Err(error) => run.failed(&open.unique_id, error),
    }
}

fn close(
    run: &Run,
    open: &Open,
    settled: &Settled,
    end: &JobEnd,
    reported: &NodeResult,
) -> Result<NodeResult, AskError> {
    if let Some(heard) = &open.native {
        return native::settle(run, &open.job, heard, end);
    }
    let mut result = open.clock.result(&open.unique_id, end);
    if let Some(seconds) = settled.seconds {
        result.execution_time = seconds;
    }
    if !reported.thread_id.is_empty() {
        result.thread_id.clone_from(&reported.thread_id);
    }
    let ok = *end == JobEnd::Done;
    match run.ask(
        "job_close",
        &JobClose {
            job: &open.job,
            ok,
            result: &result,
        },
    ) {
        // Report the job's own error rather than the failure to record it.
        Err(AskError::Answered(_)) if !ok => Ok(result),
        outcome => outcome,
    }
}
