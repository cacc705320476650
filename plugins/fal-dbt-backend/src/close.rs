//! Ends a session: in order if possible, otherwise by force. No process or file of the session is
//! left afterwards.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{CloseRequest, CloseResponse},
    PluginError,
};

use crate::{
    error::{AskError, INTERRUPTED},
    run::Run,
};

/// How long an interpreter may take to exit when its work is done: the database writes its log into
/// its file.
const AFTER_WORK: Duration = Duration::from_secs(10);
/// How long an interpreter without work to finish may take to exit.
const IDLE: Duration = Duration::from_secs(1);

/// Ends the session in order.
pub(crate) fn close(run: &Run, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
    if run.closed.swap(true, Ordering::SeqCst) {
        return Ok(CloseResponse::default());
    }
    run.zygotes.close();
    let begun = run.begun.load(Ordering::SeqCst);
    let answer = if begun {
        finish(run, request)
    } else {
        Ok(CloseResponse::default())
    };
    let now = Instant::now();
    let deadline = match (is_urgent(run, request), begun && answer.is_ok()) {
        (true, _) => run.cancel.deadline(),
        (false, true) => now + AFTER_WORK,
        (false, false) => now + IDLE,
    };
    end_by(run, deadline.min(now + AFTER_WORK));
    answer
}

/// Ends the session by force.
pub(crate) fn abandon(run: &Run) {
    run.closed.store(true, Ordering::SeqCst);
    run.zygotes.close();
    end_by(run, Instant::now());
}

fn is_urgent(run: &Run, request: &CloseRequest) -> bool {
    request.interrupted || run.cancel.is_set()
}

/// Waits for the session's answer to `finish`. on-run-end hooks may take any time unless the user
/// interrupts them.
fn finish(run: &Run, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
    let pending = run.dbt.channel.send("finish", request);
    let outcome = if is_urgent(run, request) {
        pending.wait_until(run.cancel.deadline())
    } else {
        Some(pending.wait())
    };
    match outcome {
        Some(Ok(response)) => Ok(response),
        Some(Err(AskError::Lost(error))) if error.code == INTERRUPTED || request.interrupted => {
            Ok(CloseResponse::default())
        }
        Some(Err(error)) => Err(error.into()),
        None => Ok(CloseResponse::default()),
    }
}

fn end_by(run: &Run, deadline: Instant) {
    run.dbt.channel.hang_up();
    run.door.close();
    run.environments.end_by(deadline);
    run.dbt.process.end_by(deadline);
    run.zygotes.end_by(deadline.min(Instant::now() + IDLE));
    run.run_dir.remove();
}
