//! The last stage: hooks that failed at the end, the summary, the records, and the outcome.

use fal_plugin::payload::{LogLevel, NodeStatus};
use fal_report::EventKind;
use jiff::Timestamp;

use super::{execute::Executed, open::Opened};
use crate::error::HostError;

/// How a command that runs nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// All nodes ran well, or none was selected.
    Succeeded,
    /// Some node failed.
    Failed,
    /// The user stopped the run.
    Interrupted,
}

/// Reports the end, writes what later commands read, and decides the outcome.
pub(crate) fn finish(opened: &Opened<'_>, mut executed: Executed) -> Result<RunOutcome, HostError> {
    let session = &opened.session;
    let summary = &mut executed.nodes.summary;
    let closed = executed.session.as_ref();
    for hook in closed.into_iter().flat_map(|closed| &closed.failed_hooks) {
        summary.add(NodeStatus::Error);
        let message = hook.message.as_deref().unwrap_or_default();
        session.log(
            LogLevel::Error,
            format!("{} failed: {message}", hook.unique_id),
        );
    }
    let (summary, elapsed) = (*summary, opened.began.elapsed().as_secs_f64());
    session.reporters.emit(
        Timestamp::now(),
        EventKind::RunFinished { summary, elapsed },
    );
    let loaded = &opened.loaded;
    // Global scripts are in no graph: a command that runs only scripts forgets no durations.
    let exists = |id: &str| {
        !executed.ran_graph
            || loaded.dag.find(id).is_some()
            || loaded.attachments.find(id).is_some()
    };
    if let Err(error) = executed.durations.save(exists) {
        session.log(LogLevel::Warn, error.to_string());
    }
    if !closed.is_ok_and(|closed| closed.artifacts_written) {
        executed.artifact.write()?;
    }
    if executed.nodes.interrupted {
        return Ok(RunOutcome::Interrupted);
    }
    if let Some(error) = executed.nodes.broken {
        return Err(error.into());
    }
    if let Some(error) = executed.broken_runner {
        return Err(error.into());
    }
    if summary.error > 0 {
        return Ok(RunOutcome::Failed);
    }
    executed.session?;
    executed.runners?;
    Ok(RunOutcome::Succeeded)
}
