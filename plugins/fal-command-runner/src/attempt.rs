//! Runs one attempt at a node: makes the bundle, starts the command and waits for its end.

use std::{
    path::Path,
    process::Stdio,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use fal_plugin::PluginError;
use fal_process::Mark;

use crate::{
    bundle::Bundle,
    end::End,
    plan::{nothing_for, Plan},
    process::{Launch, Process},
    quote,
    settings::Line,
    shared::Shared,
    stop::Waited,
    template::Missing,
    values::{job_name, Values},
    variables,
};

/// How long a command may take to exit cleanly after the user interrupts the run.
const INTERRUPTED: Duration = Duration::from_millis(600);
/// How long a command may take to exit cleanly when only its own node is ending.
const LATE: Duration = Duration::from_secs(3);
/// How long `cleanup` may take after the user interrupts the run.
const CLEANUP_INTERRUPTED: Duration = Duration::from_millis(1200);
/// How long `cleanup` may take when only its own node is ending.
const CLEANUP: Duration = Duration::from_secs(60);

/// How an attempt ended.
pub(crate) struct Attempt {
    pub(crate) end: End,
    /// The message for the user: how the command ended, the command and its last lines of output.
    pub(crate) message: String,
}

/// Why an attempt did not start.
pub(crate) enum Refused {
    /// This node cannot run here.
    Node(String),
    /// No node can run here.
    Runner(PluginError),
}

impl<E: Into<PluginError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Runner(error.into())
    }
}

impl From<Missing> for Refused {
    fn from(missing: Missing) -> Self {
        Self::Node(nothing_for(&missing))
    }
}

/// Runs the command of a node once.
pub(crate) fn attempt(shared: &Shared, plan: &Plan<'_>) -> Result<Attempt, Refused> {
    let bundle = Bundle::make(plan, &shared.project_dir)?;
    let files = bundle.files();
    let files = files
        .as_ref()
        .map(|(dir, script)| (dir.as_path(), script.as_path()));
    let job = job_name(plan.name());
    let values = plan.values(&job, files);
    let context = Context {
        shared,
        plan,
        values: &values,
        mark: shared.next_mark(),
        folder: files.map(|(dir, _)| dir),
    };
    let process = context.start(plan.line, bundle.stdin()?)?;
    let command = context.words(plan.line)?;
    shared.debug(
        &plan.request.unique_id,
        &format!("started: {}", quote::line(&command)),
    );
    let limit = plan.limit();
    let end = context.wait(&process, limit);
    let (last, threads) = process.last_words();
    shared.join_later(threads);
    let message = format!(
        "the command {}\nThe command: {}{last}",
        end.describe(),
        quote::line(&command)
    );
    Ok(Attempt { end, message })
}

/// What an attempt works with.
struct Context<'a> {
    shared: &'a Shared,
    plan: &'a Plan<'a>,
    values: &'a Values<'a>,
    mark: Mark,
    folder: Option<&'a Path>,
}

impl Context<'_> {
    fn words(&self, line: &Line) -> Result<Vec<String>, Missing> {
        line.render(self.values)
    }

    fn start(&self, line: &Line, stdin: Stdio) -> Result<Process, Refused> {
        let settings = self.plan.settings;
        let mut variables = variables::inherited(&settings.config);
        for (name, template) in &settings.env {
            let value = template.render(self.values)?.unwrap_or_default();
            variables.push((name.into(), value.into()));
        }
        let words = self.words(line)?;
        let launch = Launch {
            words: &words,
            variables,
            stdin,
            dir: &self.shared.project_dir,
            folder: self.folder,
            mark: self.mark.clone(),
            unique_id: &self.plan.request.unique_id,
            events: self.shared.events.clone(),
            stop: self.shared.stop.clone(),
        };
        Ok(Process::start(launch)?)
    }

    /// Waits until the command ends, or ends it at its time limit or when the session stops.
    fn wait(&self, process: &Process, limit: Option<Duration>) -> End {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let waited = self
            .shared
            .stop
            .wait(deadline, || process.status().is_some());
        let end = match (waited, limit) {
            (Waited::Stopped, _) => End::Stopped,
            (Waited::TimedOut, limit) => End::TimedOut(limit.unwrap_or_default()),
            (Waited::Reached, _) => process.status().map_or(End::Stopped, End::from),
        };
        // `cleanup` cancels the work that the command started elsewhere. It runs while the command
        // itself is being ended.
        let (grace, patience) = if end == End::Stopped {
            (INTERRUPTED, CLEANUP_INTERRUPTED)
        } else {
            (LATE, CLEANUP)
        };
        let until = Instant::now() + patience;
        let cleanup = self.cleanup(end);
        // After an infrastructure failure, processes that the command left behind must not run into
        // the next attempt.
        if !matches!(end, End::Exited(0 | 1)) {
            process.end(grace);
        }
        if let Some(cleanup) = cleanup {
            self.shared.join_later(self.finish_cleanup(cleanup, until));
        }
        end
    }

    fn cleanup(&self, end: End) -> Option<Process> {
        if matches!(end, End::Exited(0 | 1)) {
            return None;
        }
        let line = self.plan.settings.cleanup.as_ref()?;
        match self.start(line, Stdio::null()) {
            Ok(process) => Some(process),
            Err(refused) => {
                let why = match refused {
                    Refused::Node(why) => why,
                    Refused::Runner(error) => error.message,
                };
                self.shared.warn(
                    &self.plan.request.unique_id,
                    &format!("`cleanup` was not started: {why}"),
                );
                None
            }
        }
    }

    fn finish_cleanup(&self, cleanup: Process, until: Instant) -> Vec<JoinHandle<()>> {
        if !self
            .shared
            .stop
            .wait_anyway(until, || cleanup.status().is_some())
        {
            cleanup.end(Duration::ZERO);
        }
        let end = cleanup.status().map(End::from);
        let (last, threads) = cleanup.last_words();
        if let Some(end) = end.filter(|end| *end != End::Exited(0)) {
            self.shared.warn(
                &self.plan.request.unique_id,
                &format!("`cleanup` {}{last}", end.describe()),
            );
        }
        threads
    }
}
