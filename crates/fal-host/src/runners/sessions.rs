//! The sessions of the runners: opened, made ready, cancelled and closed together.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use fal_files::Root;
use fal_plugin::{
    EventSink, ExecutionBackend, PluginError,
    payload::{BeginRequest, Event, LoadRequest, OpenRequest},
};

use super::{
    error::RunnerError,
    plugins::{RunnerPlugin, RunnerPlugins},
    runner::Runner,
};
use crate::{error::HostError, interrupt::Interrupt};

/// How long a session may take to close when the user waits for the end of an interrupted command.
const HURRY: Duration = Duration::from_millis(400);

/// Runners with open sessions, numbered as in their [`RunnerPlugins`]. They are closed when this is dropped, if not before.
#[derive(Default)]
pub(crate) struct RunnerSessions {
    runners: Vec<Arc<Runner>>,
    closed: AtomicBool,
}

impl RunnerSessions {
    /// Opens a session of each runner, with the request that opened the session of the backend.
    pub(crate) fn open(
        runners: RunnerPlugins,
        request: &OpenRequest,
        events: &Arc<dyn EventSink>,
    ) -> Result<Self, HostError> {
        let mut sessions = Self::default();
        for plugin in runners.plugins {
            sessions
                .runners
                .push(Arc::new(open(plugin, request.clone(), events)?));
        }
        Ok(sessions)
    }

    #[cfg(test)]
    pub(crate) fn new(runners: Vec<Runner>) -> Self {
        Self {
            runners: runners.into_iter().map(Arc::new).collect(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn runners(&self) -> &[Arc<Runner>] {
        &self.runners
    }

    /// Returns for each runner the class of slots that its nodes take: 0, that of the threads, unless the
    /// runner has its own slots.
    pub(crate) fn classes(&self) -> Vec<usize> {
        let mut own = 0;
        let class = |runner: &Arc<Runner>| {
            own += usize::from(runner.concurrency.is_some());
            if runner.concurrency.is_some() { own } else { 0 }
        };
        self.runners.iter().map(class).collect()
    }

    /// Waits until all runners are ready for their nodes; they get ready side by side. A Ctrl-C ends the
    /// waiting.
    pub(crate) fn begin(
        &self,
        requests: Vec<BeginRequest>,
        interrupt: &Interrupt,
    ) -> Result<(), HostError> {
        let (sender, answers) = mpsc::channel();
        for (runner, request) in self.runners.iter().zip(requests) {
            let (runner, sender) = (Arc::clone(runner), sender.clone());
            spawn("runner-begin", move || {
                let begun = runner.session().load(&LoadRequest::default());
                let begun = begun.and_then(|_| runner.session().begin(&request));
                // The receiver is gone once one runner failed.
                let _ = sender.send(Some((runner.name.clone(), begun)));
            })?;
        }
        interrupt.listen(move || _ = sender.send(None));
        for _ in &self.runners {
            match answers.recv().ok().flatten() {
                _ if interrupt.is_raised() => return Err(HostError::Interrupted),
                Some((_, Ok(()))) => {}
                Some((name, Err(error))) => return Err(RunnerError::Start { name, error }.into()),
                None => return Err(HostError::Interrupted),
            }
        }
        Ok(())
    }

    /// Returns the first runner that failed while its nodes ran.
    pub(crate) fn broken(&self) -> Option<RunnerError> {
        let broken = |runner: &Arc<Runner>| {
            Some(RunnerError::Broken {
                name: runner.name.clone(),
                error: runner.broken()?,
            })
        };
        self.runners.iter().find_map(broken)
    }

    /// Ends all sessions. After an interruption it waits for them only as long as [`HURRY`].
    pub(crate) fn close(&self, interrupted: bool) -> Result<(), RunnerError> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let deadline = interrupted.then(|| Instant::now() + HURRY);
        let (sender, answers) = mpsc::channel();
        let mut closing = 0;
        for runner in &self.runners {
            let (runner, sender) = (Arc::clone(runner), sender.clone());
            let close = move || {
                let closed = runner.close(interrupted);
                let error = closed.err().filter(|_| runner.broken().is_none());
                let error = error.map(|error| RunnerError::Close {
                    name: runner.name.clone(),
                    error,
                });
                // The receiver is gone after an interruption.
                let _ = sender.send(error);
            };
            // Without a thread the session ends when it is dropped.
            closing += usize::from(spawn("runner-close", close).is_ok());
        }
        let mut first = None;
        for _ in 0..closing {
            let answer = match deadline {
                Some(deadline) => answers
                    .recv_timeout(deadline.saturating_duration_since(Instant::now()))
                    .ok(),
                None => answers.recv().ok(),
            };
            first = first.or(answer.flatten());
        }
        first.map_or(Ok(()), Err)
    }
}

impl Drop for RunnerSessions {
    fn drop(&mut self) {
        // The command failed: how the sessions end does not matter any more.
        let _ = self.close(true);
    }
}

fn open(
    plugin: RunnerPlugin,
    mut request: OpenRequest,
    events: &Arc<dyn EventSink>,
) -> Result<Runner, HostError> {
    let RunnerPlugin { name, backend, .. } = plugin;
    request.state_dir = state_dir(&request.state_dir, &name)?;
    let sink = Arc::new(PrefixedLog {
        name: name.clone(),
        events: Arc::clone(events),
    });
    let concurrency = backend.capabilities().concurrency;
    match backend.open(request, sink) {
        Ok(session) => Ok(Runner::new(name, session.into(), concurrency)),
        Err(error) => Err(RunnerError::Start { name, error }.into()),
    }
}

/// Creates a folder for the files of one runner, below that of the execution backend.
fn state_dir(of_backend: &str, name: &str) -> Result<String, HostError> {
    let safe = |char: char| {
        if char.is_alphanumeric() || matches!(char, '-' | '_') {
            char
        } else {
            '_'
        }
    };
    let (state, name): (_, String) = (Path::new(of_backend), name.chars().map(safe).collect());
    // The root is the target folder, so that a symbolic link in place of a folder below is not followed.
    let (target, ours) = (
        state.parent().unwrap_or(state),
        state.file_name().unwrap_or_default(),
    );
    let below = Path::new(ours).join("runners").join(name);
    let path = target.join(&below).display().to_string();
    match Root::create(target).and_then(|root| root.create_folder(&below)) {
        Ok(()) => Ok(path),
        Err(source) => Err(HostError::Write { path, source }),
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), PluginError> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    let failed = |cause| {
        PluginError::new(
            "host::thread",
            format!("no thread could be started: {cause}"),
        )
    };
    spawned.map(|_| ()).map_err(failed)
}

/// Adds the name of the runner to its messages.
struct PrefixedLog {
    name: String,
    events: Arc<dyn EventSink>,
}

impl EventSink for PrefixedLog {
    fn emit(&self, event: Event) {
        self.events.emit(match event {
            Event::Log {
                level,
                name,
                unique_id,
                message,
            } => Event::Log {
                level,
                name,
                unique_id,
                message: format!("{}: {message}", self.name),
            },
            output @ Event::Output { .. } => output,
        });
    }
}

#[cfg(test)]
mod tests;
