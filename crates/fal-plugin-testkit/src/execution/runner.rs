//! Further cases for runners: a backend that runs Python and no SQL gets a lease with every node.
//!
//! The lease's script is a stand-in that needs only Python and no gateway. If a runner cannot reach
//! its machines during the check, it answers with an error, and the case does not apply.

use std::{fs, path::Path, sync::mpsc, thread, time::Duration};

use fal_plugin::{
    ExecutionBackend, ExecutionSession, PluginError,
    payload::{GatewayAccess, Lease, NodeRequest, NodeResult, NodeStatus, NodeWork, PythonWork},
};

use super::{Opened, clear, clear_if_err, one_line, open};
use crate::case::{Finding, Verdict, ensure};

const UNIQUE_ID: &str = "model.contract.stand_in";
/// How long a runner gets to start the script before the check cancels it.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long `run_node` may take to return after `cancel`. This allows for a loaded machine;
/// fal-host itself waits two seconds.
const SOON: Duration = Duration::from_secs(10);

pub(super) const LEASE_FIX: &str = "a backend without `sql` gets a `lease` with every node that it can run; answer anything else with a `PluginError`";
pub(super) const SCRIPT_FIX: &str = "run `lease.script` with Python (`python SCRIPT`, or on its standard input) and answer by its exit code: 0 is `success`, \
     1 a model that failed, anything else an error of the machine";
pub(super) const CANCEL_FIX: &str =
    "`cancel` ends the process that runs, and everything that it started; `run_node` returns then";

/// Opens a session of a runner. The cases on leases do not apply to other backends.
fn runner(backend: &dyn ExecutionBackend) -> Result<Opened, Finding> {
    if backend.capabilities().sql {
        return Err(Finding::NotApplicable(
            "it is no runner: it runs SQL".to_owned(),
        ));
    }
    let opened = open(backend)?;
    let begun = opened
        .session
        .load(&Default::default())
        .and_then(|_| opened.session.begin(&Default::default()));
    begun.map_err(|error| unreachable(&error))?;
    Ok(opened)
}

fn unreachable(error: &PluginError) -> Finding {
    match clear(error) {
        Ok(()) => Finding::NotApplicable(format!(
            "it cannot run anything here: {}",
            one_line(&error.message)
        )),
        Err(flaw) => flaw,
    }
}

/// Returns a node whose script runs `body`, as a program or when the runner's process calls its
/// function `lease`.
fn node(folder: &Path, body: &str) -> Result<NodeRequest, Finding> {
    let script = folder.join("lease.py");
    let text = format!(
        "def lease(store=None):\n    {body}\n\nif __name__ == '__main__':\n    raise SystemExit(lease())\n"
    );
    fs::write(&script, text)
        .map_err(|error| Finding::NotApplicable(format!("no script can be written: {error}")))?;
    let python = PythonWork {
        path: "models/stand_in.py".into(),
        code: String::new(),
        lines: None,
        environment: None,
    };
    let gateway = GatewayAccess {
        location: "grpc://127.0.0.1:9".into(),
        token: "none".into(),
        ..Default::default()
    };
    let lease = Lease {
        lease: "stand-in".into(),
        script: script.display().to_string(),
        gateway,
        ..Default::default()
    };
    Ok(NodeRequest {
        lease: Some(Box::new(lease)),
        ..NodeRequest::new(UNIQUE_ID, NodeWork::Python(python))
    })
}

fn end(opened: Opened) -> Verdict {
    clear_if_err(opened.session.close(&Default::default()))
}

pub(super) fn needs_a_lease(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = runner(backend)?;
    match opened
        .session
        .run_node(&NodeRequest::new(UNIQUE_ID, NodeWork::Dbt))
    {
        Err(error) => clear(&error)?,
        Ok(result) => ensure!(
            result.status == NodeStatus::Error,
            "it answered `{:?}`",
            result.status
        ),
    }
    end(opened)
}

pub(super) fn runs_the_script(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = runner(backend)?;
    for (body, wanted) in [
        ("return 0", NodeStatus::Success),
        ("return 1", NodeStatus::Error),
    ] {
        let result = opened
            .session
            .run_node(&node(opened.folder.path(), body)?)
            .map_err(|error| unreachable(&error))?;
        let NodeResult {
            unique_id,
            status,
            message,
            ..
        } = result;
        ensure!(
            unique_id == UNIQUE_ID,
            "the result is of `{unique_id}`, not of `{UNIQUE_ID}`"
        );
        let message = message.unwrap_or_default();
        ensure!(
            status == wanted,
            "a script that does `{body}` was answered with {status:?}: {}",
            one_line(&message)
        );
    }
    end(opened)
}

pub(super) fn can_be_cancelled(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = runner(backend)?;
    let request = node(opened.folder.path(), "import time; time.sleep(600)")?;
    let result = cancelled(&*opened.session, &request)?;
    if let Ok(result) = result {
        ensure!(
            result.status != NodeStatus::Success,
            "a node that was cancelled is a success"
        );
    }
    end(opened)
}

fn cancelled(
    session: &dyn ExecutionSession,
    request: &NodeRequest,
) -> Result<Result<NodeResult, PluginError>, Finding> {
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || drop(sender.send(session.run_node(request))));
        // The runner may report before the cancellation that it cannot run anything here.
        if let Ok(early) = results.recv_timeout(HEAD_START) {
            return early.map_or_else(|error| Err(unreachable(&error)), |result| Ok(Ok(result)));
        }
        session.cancel();
        let flaw = || {
            Finding::flaw(format!(
                "`run_node` went on for {} s after `cancel`",
                SOON.as_secs()
            ))
        };
        results.recv_timeout(SOON).map_err(|_| flaw())
    })
}
