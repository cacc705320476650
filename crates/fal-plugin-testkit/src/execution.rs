//! The contract of an execution backend: the cases that need no warehouse.

mod runner;

use std::{path::Path, sync::Arc};

use fal_plugin::{
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
    payload::{
        BeginRequest, Capabilities, CloseRequest, Event, LoadRequest, NodeRequest, NodeWork,
        OpenRequest, RunGraph,
    },
    wire::Transport,
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    case::{Case, Finding, Verdict, ensure, unintended},
    wire,
};

const CLEAR_FIX: &str = "answer with a `PluginError` that has a code and says, for the user, what is missing and where it was looked for";

/// All cases.
pub(crate) const CASES: &[Case<dyn ExecutionBackend>] = &[
    Case::required(
        "execution-backend/capabilities",
        "It can run SQL or Python, and says the same each time",
        "set `sql` or `python` in `capabilities`; they do not depend on a project",
        capabilities,
    ),
    Case::required(
        "execution-backend/no-project",
        "Opening and loading a folder without a project is a clear error, or gives a graph without nodes",
        CLEAR_FIX,
        no_project,
    ),
    Case::required(
        "execution-backend/no-folder",
        "Opening a folder that is not there is a clear error, at the latest in `load`",
        CLEAR_FIX,
        no_folder,
    ),
    Case::required(
        "execution-backend/cancel",
        "A session can be cancelled at any time, also twice and before it has loaded",
        "`cancel` ends what runs; with nothing running it does nothing",
        cancel,
    ),
    Case::required(
        "execution-backend/close-twice",
        "A session can be closed twice",
        "the second `close` answers at once, with a result or an error",
        close_twice,
    ),
    Case::required(
        "execution-backend/after-close",
        "What is asked of a closed session is an error, or a node that failed",
        "answer with a `PluginError`: the session's processes are gone",
        after_close,
    ),
    Case::required(
        "execution-backend/dropped",
        "A session that is dropped without `close` leaves the backend in order",
        "end what the session started in `Drop` as well: a host that fails drops its session",
        dropped,
    ),
    Case::required(
        "execution-backend/two-sessions",
        "Two sessions at once do not know of each other",
        "keep all state in the session",
        two_sessions,
    ),
    Case::required(
        "execution-backend/needs-a-lease",
        "A runner (Python, and no SQL) refuses a node that comes without a lease",
        runner::LEASE_FIX,
        runner::needs_a_lease,
    ),
    Case::optional(
        "execution-backend/runs-the-script",
        "A runner runs the script of the lease, and its exit code is the answer",
        runner::SCRIPT_FIX,
        runner::runs_the_script,
    ),
    Case::required(
        "execution-backend/cancel-running",
        "A runner whose session is cancelled ends the node that runs, soon",
        runner::CANCEL_FIX,
        runner::can_be_cancelled,
    ),
    wire::unknown_method("execution-backend/unknown-method"),
    wire::unknown_fields("execution-backend/unknown-fields", unknown_fields),
    wire::unreadable_request("execution-backend/unreadable-request", |transport| {
        wire::refuses_no_json(transport, "open")
    }),
    Case::wire(
        "execution-backend/unknown-session",
        "A call for a session that was never opened is an error with a code and a message",
        wire::UNREADABLE_REQUEST_FIX,
        unknown_session,
    ),
];

struct NoEvents;

impl EventSink for NoEvents {
    fn emit(&self, _event: Event) {}
}

/// An empty folder and a session that is opened on it.
struct Opened {
    session: Box<dyn ExecutionSession>,
    folder: TempDir,
}

fn folder() -> Result<TempDir, Finding> {
    tempfile::tempdir()
        .map_err(|error| Finding::NotApplicable(format!("there is no temporary folder: {error}")))
}

fn request(project: &Path, state: &Path) -> Result<OpenRequest, Finding> {
    // Read the request from JSON, as a host of any version sends it, so that new fields get
    // their defaults.
    let request =
        json!({"project_dir": project, "state_dir": state, "command": "run", "execute": false});
    serde_json::from_value(request).map_err(|error| Finding::NotApplicable(error.to_string()))
}

fn clear(error: &PluginError) -> Verdict {
    if unintended(error) {
        return Err(error.clone().into());
    }
    ensure!(
        !error.code.is_empty() && error.message.trim().len() > 8,
        "the error is {error:?}"
    );
    Ok(())
}

/// Accepts a success or an intended error, and reports panics and unreadable answers.
fn clear_if_err<T>(outcome: Result<T, PluginError>) -> Verdict {
    outcome.map_or_else(|error| clear(&error), |_| Ok(()))
}

fn open(backend: &dyn ExecutionBackend) -> Result<Opened, Finding> {
    let folder = folder()?;
    match backend.open(request(folder.path(), folder.path())?, Arc::new(NoEvents)) {
        Ok(session) => Ok(Opened { session, folder }),
        Err(error) => {
            clear(&error)?;
            Err(Finding::NotApplicable(format!(
                "it opens no session on an empty folder: {}",
                one_line(&error.message)
            )))
        }
    }
}

fn one_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(120)
        .collect()
}

fn capabilities(backend: &dyn ExecutionBackend) -> Verdict {
    let first: Capabilities = backend.capabilities();
    ensure!(first.sql || first.python, "it can do neither");
    let again = backend.capabilities();
    ensure!(again == first, "they were {first:?}, then {again:?}");
    Ok(())
}

fn empty_or_error(loaded: Result<RunGraph, PluginError>) -> Verdict {
    match loaded {
        Ok(graph) => {
            ensure!(
                graph.nodes.is_empty(),
                "the graph has {} nodes",
                graph.nodes.len()
            );
            Ok(())
        }
        Err(error) => clear(&error),
    }
}

fn load_in(backend: &dyn ExecutionBackend, project: &Path, state: &Path) -> Verdict {
    match backend.open(request(project, state)?, Arc::new(NoEvents)) {
        Err(error) => clear(&error),
        Ok(session) => {
            empty_or_error(session.load(&LoadRequest::default()))?;
            clear_if_err(session.close(&CloseRequest::default()))
        }
    }
}

fn no_project(backend: &dyn ExecutionBackend) -> Verdict {
    let folder = folder()?;
    load_in(backend, folder.path(), folder.path())
}

fn no_folder(backend: &dyn ExecutionBackend) -> Verdict {
    let folder = folder()?;
    load_in(backend, &folder.path().join("there/is/none"), folder.path())
}

fn cancel(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = open(backend)?;
    opened.session.cancel();
    opened.session.cancel();
    clear_if_err(opened.session.close(&CloseRequest { interrupted: true }))
}

fn close_twice(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = open(backend)?;
    clear_if_err(opened.session.close(&CloseRequest::default()))?;
    clear_if_err(opened.session.close(&CloseRequest::default()))?;
    opened.session.cancel();
    Ok(())
}

fn after_close(backend: &dyn ExecutionBackend) -> Verdict {
    let opened = open(backend)?;
    clear_if_err(opened.session.close(&CloseRequest::default()))?;
    empty_or_error(opened.session.load(&LoadRequest::default()))?;
    clear_if_err(opened.session.begin(&BeginRequest::default()))?;
    let unique_id = "model.none.such".to_owned();
    match opened
        .session
        .run_node(&NodeRequest::new(unique_id.clone(), NodeWork::Dbt))
    {
        Ok(result) => {
            ensure!(
                result.unique_id == unique_id,
                "the result is of `{}`, not of `{unique_id}`",
                result.unique_id
            );
            Ok(())
        }
        Err(error) => clear(&error),
    }
}

fn dropped(backend: &dyn ExecutionBackend) -> Verdict {
    drop(open(backend)?);
    let again = open(backend)?;
    clear_if_err(again.session.close(&CloseRequest::default()))
}

fn two_sessions(backend: &dyn ExecutionBackend) -> Verdict {
    let (one, other) = (open(backend)?, open(backend)?);
    ensure!(
        one.folder.path() != other.folder.path(),
        "two temporary folders are one"
    );
    clear_if_err(one.session.close(&CloseRequest::default()))?;
    empty_or_error(other.session.load(&LoadRequest::default()))?;
    clear_if_err(other.session.close(&CloseRequest::default()))
}

fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let folder = folder()?;
    let body = json!({"project_dir": folder.path(), "state_dir": folder.path(), "command": "run", "execute": false,
        "of_a_newer_host": {"a": 1}});
    let session = 900_001;
    let request = json!({"session": session, "body": body, "of_a_newer_host": 1}).to_string();
    let unread = |error: &[u8]| String::from_utf8_lossy(error).contains("of_a_newer_host");
    match transport.call("open", request.as_bytes(), b"") {
        Err(error) => ensure!(
            !unread(&error),
            "`open` answered {}",
            String::from_utf8_lossy(&error)
        ),
        Ok(_) => {
            let drop = json!({"session": session, "body": null}).to_string();
            wire::answered::<()>(transport, "drop", drop.as_bytes(), b"")?;
        }
    }
    Ok(())
}

fn unknown_session(transport: &dyn Transport) -> Verdict {
    let request = json!({"session": 900_002, "body": {"python_models": []}}).to_string();
    wire::plain_error(
        "load",
        wire::refused(transport, "load", request.as_bytes(), b"")?,
    )
}
