//! Starts a command, reads its output and ends it.

use std::{
    ffi::OsString,
    io::{self, PipeWriter, Write as _},
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

/// The environment variable that marks the descendants of a command, to find and end them.
pub(crate) const MARK: &str = "FAL_COMMAND_RUNNER_MARK";
/// How many lines of each stream are kept for the message about the command's end.
const LAST_LINES: usize = 20;
/// How long to wait for the rest of the output. Another process, such as a shared ssh connection,
/// may hold the streams open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A command to start.
pub(crate) struct Launch<'a> {
    pub(crate) words: &'a [String],
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) stdin: Stdio,
    /// The command's working folder.
    pub(crate) dir: &'a Path,
    /// The folder to remove if this process dies.
    pub(crate) folder: Option<&'a Path>,
    /// The mark that finds the command's descendants.
    pub(crate) mark: Mark,
    /// The node, for events.
    pub(crate) unique_id: &'a str,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stop: Arc<Stop>,
}

/// A command that was started in a new session.
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
        // Before the command: this process may die as soon as there is one. A guard that cannot start is
        // no reason to fail: without it, only a sudden death of this process leaves the command behind.
        let guard = Guard::start(&launch.mark, launch.folder).ok();
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
            |group| guard.map(|guard| guard.knowing(group)),
        );
        started
            .map(Self)
            .map_err(|cause| not_started(launch.words, &program, cause))
    }

    /// Returns the exit status, once the command has ended.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.0.status()
    }

    /// Ends the command and everything that it started. They are killed after `grace`.
    pub(crate) fn end(&self, grace: Duration) {
        self.0.terminate(grace);
    }

    /// Waits for the rest of the output. Returns its last lines and the threads that still read.
    pub(crate) fn last_words(self) -> (String, Vec<JoinHandle<()>>) {
        let [stderr, stdout] = self.0.last_lines(Instant::now() + LAST_WORDS);
        let said = if stderr.is_empty() { stdout } else { stderr };
        (said, self.0.take_threads())
    }
}

/// Forwards a command's output to the log and wakes the attempt when the command ends.
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

/// Creates a log event that begins with the node's name, since not every report shows its id.
pub(crate) fn log(level: LogLevel, unique_id: &str, line: &str) -> Event {
    let message = format!("{}: {line}", short_name(unique_id));
    Event::Log {
        level,
        name: None,
        unique_id: Some(unique_id.to_owned()),
        message,
    }
}

/// The guard's shell script. $1 is the mark as an environment has it; $2 is the folder, or empty. The
/// process group is read, and missing if this process died between the command's start and the write.
const SCRIPT: &str = r#"
read -r group && read -r end
if [ -n "$group" ]; then
    kill -s TERM -- "-$group"
    for round in 1 2 3 4 5 6 7 8 9 10; do
        kill -s 0 -- "-$group" || break
        sleep 0.1
    done
    kill -s KILL -- "-$group"
fi
for round in 1 2; do
    for file in $(grep -Fls -- "$1" /proc/[0-9]*/environ); do
        file=${file#/proc/}
        kill -s KILL "${file%/environ}"
    done
    sleep 0.1
done
[ -z "$2" ] || rm -rf -- "$2"
"#;

/// Ends a command if this process dies.
///
/// A separate shell reads from a pipe whose other end only this process holds. When this process
/// dies, for whatever reason, the pipe closes, and the shell ends the command's group and removes
/// its folder.
struct Guard {
    shell: Child,
    lifeline: PipeWriter,
}

impl Guard {
    /// Starts the shell, which finds what carries the mark.
    fn start(mark: &Mark, folder: Option<&Path>) -> io::Result<Self> {
        let (reader, lifeline) = io::pipe()?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "sh", &mark.assignment()]);
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
        Ok(Self { shell, lifeline })
    }

    /// Tells the shell the command's process group, which it lets end in order.
    fn knowing(mut self, group: Pid) -> Self {
        // A shell that is gone ends nothing.
        let _ = writeln!(self.lifeline, "{}", group.as_raw_nonzero());
        self
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Kill the shell before its pipe closes. Otherwise it would conclude that this process
        // died.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Returns the program to start. A relative path is resolved against `dir`, not against the
/// working folder of this process.
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
    // The system reports "not found" for a missing interpreter as well; the file itself exists
    // then.
    if cause.kind() == io::ErrorKind::NotFound && !program.is_file() {
        return StartError::NotFound {
            program: words.first().cloned().unwrap_or_default(),
            command,
        };
    }
    StartError::Spawn { command, cause }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    /// A process may die between the start of a command and the moment the guard knows its group.
    #[test]
    fn a_guard_that_knows_no_group_finds_the_command_by_its_mark() {
        let mark = Mark::random(MARK).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        std::fs::create_dir(&inner).unwrap();
        let mut guard = Guard::start(&mark, Some(&inner)).unwrap();
        let assignment = mark.assignment();
        let (variable, value) = assignment.split_once('=').unwrap();
        let mut command = Command::new("sleep");
        command.arg("1000").env(variable, value);
        let mut command = own_session(&mut command).spawn().unwrap();
        drop(mem::replace(&mut guard.lifeline, io::pipe().unwrap().1));
        assert!(!command.wait().unwrap().success());
        assert!(guard.shell.wait().unwrap().success());
        assert!(!inner.exists());
    }
}
