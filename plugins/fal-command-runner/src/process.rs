//! A command that runs: its start, its output, its end.

use std::{
    ffi::OsString,
    io::{self, PipeWriter},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{Event, LogLevel},
    EventSink,
};
use fal_process::{own_session, Listener, Mark, Stream};
use rustix::process::Pid;

use crate::{error::StartError, quote, stop::Stop, values::short_name};

/// Name of the environment variable by which everything that a command started is found.
pub(crate) const MARK: &str = "FAL_COMMAND_RUNNER_MARK";
/// How many lines of each stream are kept for the message about its end.
const LAST_LINES: usize = 20;
/// How long to wait for the rest of the output: something else may hold the streams open (a shared connection of ssh).
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A command to start.
pub(crate) struct Launch<'a> {
    pub(crate) words: &'a [String],
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) stdin: Stdio,
    /// The folder that it works in.
    pub(crate) dir: &'a Path,
    /// The folder that is removed if this process dies.
    pub(crate) folder: Option<&'a Path>,
    /// The mark of its descendants.
    pub(crate) mark: Mark,
    /// The node, for events.
    pub(crate) unique_id: &'a str,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stop: Arc<Stop>,
}

/// A command that was started, in a session of its own.
pub(crate) struct Process(Arc<fal_process::Process>);

impl Process {
    /// Starts the command.
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self, StartError> {
        let program = program(launch.words, launch.dir);
        let mut command = Command::new(&program);
        command
            .args(launch.words.get(1..).unwrap_or_default())
            .env_clear()
            .envs(launch.variables)
            .stdin(launch.stdin);
        if launch.dir.is_dir() {
            command.current_dir(launch.dir);
        }
        let watcher = Arc::new(Watcher {
            unique_id: launch.unique_id.to_owned(),
            events: launch.events,
            stop: launch.stop,
        });
        let started = fal_process::Process::spawn(
            own_session(&mut command),
            launch.mark,
            LAST_LINES,
            watcher,
            // Without a guard the command runs as well; only a sudden death of this process would leave it behind.
            |group| Guard::start(group, launch.folder).ok(),
        );
        started
            .map(Self)
            .map_err(|cause| not_started(launch.words, &program, cause))
    }

    /// How it ended, if it has.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.0.status()
    }

    /// Ends it and everything that it started, in order if that takes no longer than `grace`.
    pub(crate) fn end(&self, grace: Duration) {
        self.0.terminate(grace);
    }

    /// Waits for the rest of its output. Returns its last lines, and the threads that still read.
    pub(crate) fn last_words(self) -> (String, Vec<JoinHandle<()>>) {
        let [stderr, stdout] = self.0.last_lines(Instant::now() + LAST_WORDS);
        let said = if stderr.is_empty() { stdout } else { stderr };
        (said, self.0.take_threads())
    }
}

/// Passes a command's output on, and wakes the attempt at its end.
struct Watcher {
    unique_id: String,
    events: Arc<dyn EventSink>,
    stop: Arc<Stop>,
}

impl Listener for Watcher {
    fn line(&self, _stream: Stream, line: &str) {
        self.events.emit(log(LogLevel::Info, &self.unique_id, line));
    }

    fn ended(&self) {
        self.stop.ring();
    }
}

/// A log line about a node: not every report shows the id beside it.
pub(crate) fn log(level: LogLevel, unique_id: &str, line: &str) -> Event {
    let message = format!("{}: {line}", short_name(unique_id));
    Event::Log {
        level,
        name: None,
        unique_id: Some(unique_id.to_owned()),
        message,
    }
}

/// $1: the process group; $2: the folder, or nothing.
const SCRIPT: &str = r#"
read -r end
kill -s TERM -- "-$1"
for round in 1 2 3 4 5 6 7 8 9 10; do
    kill -s 0 -- "-$1" || break
    sleep 0.1
done
kill -s KILL -- "-$1"
[ -z "$2" ] || rm -rf -- "$2"
"#;

/// Ends a command if this process dies.
///
/// A shell beside the command reads from a pipe whose other end only this process holds. When the pipe ends, however this
/// process died, the shell ends the command's group and removes its folder.
struct Guard {
    shell: Child,
    _lifeline: PipeWriter,
}

impl Guard {
    /// Starts the shell.
    fn start(group: Pid, folder: Option<&Path>) -> io::Result<Self> {
        let (reader, lifeline) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh", &group.as_raw_nonzero().to_string()]);
        command.arg(folder.map(Path::as_os_str).unwrap_or_default());
        command
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        command
            .stdin(reader)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let shell = own_session(&mut command).spawn()?;
        Ok(Self {
            shell,
            _lifeline: lifeline,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The shell must end before its pipe does: otherwise it would take this for the death of the process.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// The first word; a relative path is below the folder, whatever folder this process is in.
fn program(words: &[String], dir: &Path) -> PathBuf {
    let word = words.first().map_or("", String::as_str);
    if word.contains('/') {
        dir.join(word)
    } else {
        PathBuf::from(word)
    }
}

fn not_started(words: &[String], program: &Path, cause: io::Error) -> StartError {
    let command = quote::line(words);
    // A file that is there, but whose interpreter is not, is also "not found" to the system.
    if cause.kind() == io::ErrorKind::NotFound && !program.is_file() {
        return StartError::NotFound {
            program: words.first().cloned().unwrap_or_default(),
            command,
        };
    }
    StartError::Spawn { command, cause }
}
