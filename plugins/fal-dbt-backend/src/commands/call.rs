//! One call of the `dbt` program, heard line by line.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use fal_plugin::payload::LogLevel;
use fal_process::{ending, own_group, Listener, Mark, Process, Stream};
use indexmap::IndexSet;
use parking_lot::Mutex;

use super::{choice::IN_DBT, events::Event};
use crate::{
    cancel,
    error::{AskError, StartError},
};

/// Environment variable that marks all descendants of a call.
const MARK: &str = "FAL_HOST_DBT_MARK";
/// Environment of each call.
pub(super) const ENVIRONMENT: [(&str, &str); 4] = [
    ("PYTHONUNBUFFERED", "1"),
    ("DBT_USE_COLORS", "false"),
    // Frames of dbt's own code tell a user nothing.
    ("RUST_BACKTRACE", "0"),
    ("RUST_LIB_BACKTRACE", "0"),
];
/// How long the rest of the output may take once the program has ended: a process that it left
/// behind may keep the pipe open.
const REST: Duration = Duration::from_secs(2);
/// How many messages, and how many other lines, are kept for an error.
const KEPT: usize = 40;

/// How a call ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ended {
    /// How the program ended in words, if that was no success: `exit code 2`.
    pub(crate) failure: Option<String>,
    /// The events at level error, each once, with the node that they are about.
    pub(crate) errors: IndexSet<Said>,
    /// The last lines that were no events.
    pub(crate) lines: Vec<String>,
}

/// An error in dbt's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Said {
    pub(crate) node: Option<String>,
    /// dbt 2's name of the error, such as `JinjaError`.
    pub(crate) kind: Option<String>,
    pub(crate) message: String,
}

impl Ended {
    /// Returns dbt's words about an error that is not of a single node.
    pub(crate) fn message(&self) -> String {
        let of_none = self.errors.iter().filter(|said| said.node.is_none());
        let mut words: Vec<&str> = of_none.map(|said| said.message.as_str()).collect();
        if words.is_empty() {
            words = self
                .errors
                .iter()
                .map(|said| said.message.as_str())
                .collect();
        }
        if words.is_empty() {
            words = self.lines.iter().map(String::as_str).collect();
        }
        if words.is_empty() {
            let how = self.failure.as_deref().unwrap_or("success");
            return format!("dbt ended with {how} and gave no reason");
        }
        words.join("\n").trim().to_owned()
    }

    /// Returns dbt's words about a node.
    pub(crate) fn message_of(&self, node: &str) -> Option<String> {
        let of_node = |said: &&Said| said.node.as_deref() == Some(node);
        let words: Vec<_> = self
            .errors
            .iter()
            .filter(of_node)
            .map(|said| &*said.message)
            .collect();
        (!words.is_empty()).then(|| words.join("\n"))
    }

    fn hear(&mut self, line: &str) -> Option<Event> {
        let event = Event::parse(line);
        match &event {
            Some(event) if event.level == LogLevel::Error && !event.message.is_empty() => {
                if self.errors.len() < KEPT {
                    self.errors.insert(Said {
                        node: event.node.clone(),
                        kind: event.kind.clone(),
                        message: event.message.clone(),
                    });
                }
            }
            Some(_) => {}
            None if line.trim().is_empty() => {}
            None => {
                if self.lines.len() == KEPT {
                    self.lines.remove(0);
                }
                self.lines.push(line.to_owned());
            }
        }
        event
    }
}

/// What a call says.
pub(crate) enum Line<'a> {
    Event(Box<Event>),
    /// A line that is no event: a macro's `print`, or the output of something that dbt called.
    Text(&'a str),
}

/// The `dbt` program, with the calls that run.
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    is_cancelled: bool,
    calls: Vec<Arc<Process>>,
}

impl Program {
    pub(crate) fn new(path: PathBuf) -> Self {
        let running = Mutex::default();
        Self { path, running }
    }

    /// Runs dbt to its end. `hear` gets each line in the order of its stream.
    pub(crate) fn call(
        &self,
        words: &[String],
        hear: impl FnMut(Line<'_>) + Send + 'static,
    ) -> Result<Ended, AskError> {
        self.call_with(words, &[], hear)
    }

    /// As [`call`](Self::call), with variables for the call's environment.
    pub(crate) fn call_with(
        &self,
        words: &[String],
        env: &[(&str, String)],
        hear: impl FnMut(Line<'_>) + Send + 'static,
    ) -> Result<Ended, AskError> {
        let ear = Arc::new(Ear(Mutex::new((Ended::default(), hear))));
        let process = self.start(words, env, Arc::clone(&ear) as _)?;
        // A run may take days; a killed process ends this wait.
        while !process.wait_gone(Instant::now() + Duration::from_secs(3600)) {}
        process.last_lines(Instant::now() + REST);
        self.running
            .lock()
            .calls
            .retain(|call| !Arc::ptr_eq(call, &process));
        let mut ended = std::mem::take(&mut ear.0.lock().0);
        ended.failure = process
            .status()
            .filter(|status| !status.success())
            .map(|status| match status.signal() {
                None => format!("exit code {}", status.code().unwrap_or(-1)),
                Some(_) => ending(status),
            });
        Ok(ended)
    }

    fn start(
        &self,
        words: &[String],
        env: &[(&str, String)],
        ear: Arc<dyn Listener>,
    ) -> Result<Arc<Process>, AskError> {
        let mut running = self.running.lock();
        if running.is_cancelled {
            return Err(AskError::Lost(cancel::interrupted()));
        }
        let mark = Mark::random(MARK).map_err(StartError::system("random numbers"));
        let mark = mark.map_err(|error| AskError::Answered(error.into()))?;
        let mut command = Command::new(&self.path);
        command
            .args(words)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .envs(ENVIRONMENT.iter().copied())
            .env(IN_DBT, "1")
            .stdin(Stdio::null());
        own_group(&mut command);
        let process = Process::spawn(&mut command, mark, KEPT, ear, drop);
        let process = process.map_err(|cause| AskError::Answered(self.not_started(cause)))?;
        running.calls.push(Arc::clone(&process));
        Ok(process)
    }

    fn not_started(&self, cause: io::Error) -> fal_plugin::PluginError {
        StartError::Program {
            program: self.path.clone(),
            cause,
        }
        .into()
    }

    /// Interrupts the calls as Ctrl-C would: dbt cancels its queries and ends. No call starts
    /// afterwards.
    pub(crate) fn cancel(&self) {
        let mut running = self.running.lock();
        running.is_cancelled = true;
        running.calls.iter().for_each(|call| call.interrupt());
    }

    /// Kills the calls that are left at `deadline`. No call starts afterwards.
    pub(crate) fn end_by(&self, deadline: Instant) {
        let calls = {
            let mut running = self.running.lock();
            running.is_cancelled = true;
            running.calls.clone()
        };
        calls.iter().for_each(|call| call.end_by(deadline));
    }
}

struct Ear<H>(Mutex<(Ended, H)>);

impl<H: FnMut(Line<'_>) + Send + 'static> Listener for Ear<H> {
    fn line(&self, _: Stream, line: &str) {
        let (ended, hear) = &mut *self.0.lock();
        let line = line.trim_end_matches(['\r', '\n']);
        match ended.hear(line) {
            Some(event) => hear(Line::Event(Box::new(event))),
            None if line.trim().is_empty() => {}
            None => hear(Line::Text(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    const EVENT: &str = r#"{"info": {"name": "X", "level": "error", "msg": "it failed"}}"#;

    fn program(text: &str) -> (tempfile::TempDir, Program) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dbt");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (folder, Program::new(path))
    }

    fn call(program: &Program) -> (Result<Ended, AskError>, Vec<String>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        let ended = program.call(&["run".to_owned()], move |line| {
            hears.lock().push(match line {
                Line::Event(event) => event.message,
                Line::Text(text) => format!("text: {text}"),
            });
        });
        let heard = heard.lock().clone();
        (ended, heard)
    }

    #[test]
    fn a_call_hears_events_and_other_lines() {
        let (_folder, program) = program(&format!(
            "echo '{EVENT}'; echo '{EVENT}'; echo printed; exit 2"
        ));
        let (ended, heard) = call(&program);
        let ended = ended.unwrap();
        assert_eq!(heard, ["it failed", "it failed", "text: printed"]);
        assert_eq!(ended.failure.as_deref(), Some("exit code 2"));
        // dbt 2 says the same twice.
        assert_eq!(ended.message(), "it failed");
    }

    #[test]
    fn the_end_is_named_where_dbt_gives_no_reason() {
        for (text, expected) in [
            ("exit 3", "dbt ended with exit code 3 and gave no reason"),
            (
                "kill -9 $$",
                "dbt ended with killed by signal 9 (SIGKILL) and gave no reason",
            ),
            ("echo last words; exit 1", "last words"),
        ] {
            let (_folder, program) = program(text);
            assert_eq!(call(&program).0.unwrap().message(), expected);
        }
    }

    #[test]
    fn a_process_that_dbt_left_behind_does_not_keep_the_call_open() {
        let (_folder, program) = program("sleep 600 & exit 0");
        assert_eq!(call(&program).0.unwrap().failure, None);
    }

    #[test]
    fn no_call_starts_after_a_cancellation() {
        let (_folder, program) = program("exec sleep 600");
        let program = Arc::new(program);
        let runs = Arc::clone(&program);
        let caller = std::thread::spawn(move || call(&runs).0.unwrap());
        while program.running.lock().calls.is_empty() {
            std::thread::yield_now();
        }
        program.cancel();
        assert!(caller.join().unwrap().failure.is_some());
        assert!(matches!(call(&program).0, Err(AskError::Lost(_))));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let program = Program::new(PathBuf::from("/nowhere/dbt"));
        let Err(AskError::Answered(error)) = call(&program).0 else {
            panic!("it started")
        };
        assert!(
            error.message.starts_with("/nowhere/dbt did not start: "),
            "{error}"
        );
    }
}
