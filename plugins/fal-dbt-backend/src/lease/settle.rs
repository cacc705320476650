//! Settles leases: commits or rolls back what the node wrote.

use fal_plugin::{
    payload::{NodeResult, SettleRequest},
    PluginError,
};

use super::{leases::OpenLease, native, verdict::Runner};
use crate::{
    engine::{JobClose, SettledJob},
    error::{AskError, LEASE},
    python::JobEnd,
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
    let settled = match run.engine().job_settle(&open.job) {
        Ok(settled) => settled,
        // Nothing will be committed. The verdict below or the runner's result reports why.
        Err(AskError::Answered(_)) => SettledJob::default(),
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
    open: &OpenLease,
    settled: &SettledJob,
    end: &JobEnd,
    reported: &NodeResult,
) -> Result<NodeResult, AskError> {
    if let Some(messages) = &open.native {
        return native::settle(run, &open.job, messages, end);
    }
    let mut result = open.clock.result(&open.unique_id, end);
    if let Some(seconds) = settled.seconds {
        result.execution_time = seconds;
    }
    if !reported.thread_id.is_empty() {
        result.thread_id.clone_from(&reported.thread_id);
    }
    let ok = *end == JobEnd::Done;
    match run.engine().job_close(&JobClose {
        job: &open.job,
        ok,
        result: &result,
        rows: None,
    }) {
        // Report the job's own error rather than the failure to record it.
        Err(AskError::Answered(_)) if !ok => Ok(result),
        outcome => outcome,
    }
}
