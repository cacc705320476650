//! The Python processes that the supervisor starts: the dbt session and the zygotes.
//!
//! Each process has a channel to the supervisor, and notices the supervisor's death as the end of
//! that channel. (The kernel's parent-death signal is not suitable: the kernel sends it when the
//! *thread* that started the process ends.)

use std::{
    ffi::{OsStr, OsString},
    io,
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use command_fds::{CommandFdExt, FdMapping};
use fal_plugin::{
    payload::{Event, LogLevel},
    EventSink,
};
use fal_process::{ending, own_group, Listener, Mark, Stream};

use crate::{channel::Channel, error::StartError};

/// The channel's file descriptor in the process.
const CONTROL_FD: i32 = 3;
/// Environment variable that marks all descendants of a process, so that they can be found and
/// killed.
const MARK: &str = "FAL_HOST_WORKER_MARK";
/// How many lines of each stream are kept for the message about an unexpected end.
const KEPT_LINES: usize = 100;
/// How long the message waits for the end of a process whose channel is closed, and for the rest of
/// its output.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs a module of the worker. The current folder is not on Python's path, where the user's files
/// could hide the standard library's; the user's own `PYTHONPATH` and `sitecustomize` stay in
/// force.
const BOOT: &str = "\
import sys
safe = getattr(sys.flags, 'safe_path', False)
sys.path[: 0 if safe else 1] = [sys.argv.pop(1)]
import runpy
runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)
";

/// Returns the arguments of an interpreter that runs a module of the worker in the folder `home`.
pub(crate) fn boot<'a>(home: &'a Path, module: &'a str) -> [&'a OsStr; 4] {
    [
        "-c".as_ref(),
        BOOT.as_ref(),
        home.as_os_str(),
        module.as_ref(),
    ]
}

/// A Python process to start.
pub(crate) struct Launch<'a> {
    /// Name in messages, such as `the dbt session`.
    pub(crate) title: &'static str,
    /// Module to run, such as `fal_worker.engine`.
    pub(crate) module: &'static str,
    /// The interpreter.
    pub(crate) python: &'a Path,
    /// The folder that holds `fal_worker`.
    pub(crate) home: &'a Path,
    /// Further environment variables.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Receives the lines that the process writes.
    pub(crate) events: Arc<dyn EventSink>,
}

/// A running Python process.
pub(crate) struct Process {
    title: &'static str,
    inner: Arc<fal_process::Process>,
}

impl Process {
    /// Starts the process, and opens its channel, which reads nothing before
    /// [`listen`](Channel::listen).
    pub(crate) fn start(launch: Launch<'_>) -> Result<(Arc<Self>, Arc<Channel>), StartError> {
        let failed = |cause| StartError::Spawn {
            what: launch.title,
            python: launch.python.to_owned(),
            cause,
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let mark = Mark::random(MARK).map_err(StartError::system("random numbers"))?;
        let watcher = Watcher {
            title: launch.title,
            events: Arc::clone(&launch.events),
            channel: ours.try_clone().map_err(failed)?,
            mark: mark.clone(),
        };
        let mut command = command(&launch, theirs).map_err(failed)?;
        let inner =
            fal_process::Process::spawn(&mut command, mark, KEPT_LINES, Arc::new(watcher), drop);
        let process = Self {
            title: launch.title,
            inner: inner.map_err(failed)?,
        };
        let channel = Channel::new(ours).inspect_err(|_| process.kill())?;
        Ok((Arc::new(process), channel))
    }

    /// Kills the process with its group. Returns at once.
    pub(crate) fn kill(&self) {
        self.inner.kill();
    }

    /// Waits until the process and all its descendants are gone. Kills the rest at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        self.inner.end_by(deadline);
    }

    /// Returns whether the process still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.inner.status().is_none()
    }

    /// Describes the end of a process whose channel closed, with its last lines. If the process
    /// still runs, kills it.
    pub(crate) fn describe_end(&self) -> String {
        if !self.inner.wait_end(Instant::now() + LAST_WORDS) {
            self.kill();
        }
        let deadline = Instant::now() + LAST_WORDS;
        self.inner.wait_end(deadline);
        let how = self
            .inner
            .status()
            .map(|status| format!(": {}", ending(status)));
        format!(
            "{} ended unexpectedly{}{}",
            self.title,
            how.unwrap_or_default(),
            self.inner.last_lines(deadline).concat()
        )
    }
}

/// Logs a message that concerns no node.
pub(crate) fn log(events: &Arc<dyn EventSink>, level: LogLevel, message: String) {
    events.emit(Event::Log {
        level,
        name: None,
        unique_id: None,
        message,
    });
}

/// Logs a process's output, and cleans up after its end.
struct Watcher {
    title: &'static str,
    events: Arc<dyn EventSink>,
    channel: UnixStream,
    mark: Mark,
}

impl Listener for Watcher {
    fn line(&self, stream: Stream, line: &str) {
        let stream = match stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        log(
            &self.events,
            LogLevel::Debug,
            format!("{} ({stream}): {line}", self.title),
        );
    }

    fn ended(&self) {
        // A child of the process may hold its end of the channel. What was already sent can still
        // be read.
        let _ = self.channel.shutdown(Shutdown::Both);
        self.mark.sweep();
    }
}

fn command(launch: &Launch<'_>, channel: UnixStream) -> io::Result<Command> {
    let mut command = Command::new(launch.python);
    command
        .args(["-c", BOOT])
        .arg(launch.home)
        .arg(launch.module)
        .env("FAL_CONTROL_FD", CONTROL_FD.to_string())
        .env("PYTHONUTF8", "1")
        .envs(launch.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null());
    own_group(&mut command);
    let mapping = FdMapping {
        parent_fd: channel.into(),
        child_fd: CONTROL_FD,
    };
    command
        .fd_mappings(vec![mapping])
        .map_err(io::Error::other)?;
    Ok(command)
}
