//! A Python process of ours: its start, its output, its end.
//!
//! The death of the supervisor is noticed by the process as the end of its channel. (The kernel's signal at a parent's
//! death is no use: it comes when the *thread* that started the process ends.)

use std::{
    ffi::OsString,
    fmt::Write,
    io::{self, Read},
    net::Shutdown,
    os::unix::{
        net::UnixStream,
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use command_fds::{CommandFdExt, FdMapping};
use fal_child::{each_line, signal_name, sweep, Tail, LONGEST};
use fal_plugin::{
    payload::{Event, LogLevel},
    EventSink,
};
use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::process::{kill_process_group, waitid, Pid, Signal, WaitId, WaitIdOptions};

use crate::{error::StartError, token};

/// The channel's number in the process.
const CONTROL_FD: i32 = 3;
/// Name of the environment variable by which all that a process started is found.
const MARK: &str = "FAL_HOST_WORKER_MARK";
/// How many lines of each stream are kept for the message about an unexpected end.
const KEPT_LINES: usize = 100;
/// How long the message waits for the end of a process whose channel is closed, and for the rest of its output.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Runs a module of the worker. The current folder is not on Python's path, where the user's files could hide the standard
/// library's; the user's own `PYTHONPATH` and `sitecustomize` stay in force.
const BOOT: &str = "\
import sys
safe = getattr(sys.flags, 'safe_path', False)
sys.path[: 0 if safe else 1] = [sys.argv.pop(1)]
import runpy
runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)
";

/// What to start.
pub(crate) struct Launch<'a> {
    /// What messages call it: `the dbt session`.
    pub(crate) title: &'static str,
    /// `fal_worker.engine`
    pub(crate) module: &'static str,
    /// The interpreter.
    pub(crate) python: &'a Path,
    /// The folder that holds `fal_worker`.
    pub(crate) home: &'a Path,
    /// Further environment variables.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// Gets the lines that it writes.
    pub(crate) events: Arc<dyn EventSink>,
}

/// A process of ours, until it is waited for and nothing of it is left.
pub(crate) struct Process {
    title: &'static str,
    pid: Pid,
    mark: String,
    stdout: Tail,
    stderr: Tail,
    life: Mutex<Life>,
    changed: Condvar,
}

struct Life {
    status: Option<ExitStatus>,
    open_streams: u8,
    swept: bool,
}

impl Process {
    /// Starts the process; gives our end of its channel.
    pub(crate) fn start(launch: Launch<'_>) -> Result<(Arc<Self>, UnixStream), StartError> {
        let failed = |cause| StartError::Spawn {
            what: launch.title,
            python: launch.python.to_owned(),
            cause,
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let to_close = ours.try_clone().map_err(failed)?;
        let mark = token::random()?;
        let mut child = command(&launch, &mark, theirs)
            .and_then(|mut command| command.spawn())
            .map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let process = Arc::new(Self {
            title: launch.title,
            pid: Pid::from_child(&child),
            mark,
            stdout: Tail::new(KEPT_LINES),
            stderr: Tail::new(KEPT_LINES),
            life: Mutex::new(Life {
                status: None,
                open_streams: 2,
                swept: false,
            }),
            changed: Condvar::new(),
        });
        process.listen(stdout, "stdout", |process| &process.stdout, &launch.events);
        process.listen(stderr, "stderr", |process| &process.stderr, &launch.events);
        let waiting = Arc::clone(&process);
        thread::spawn(move || waiting.await_end(child, &to_close));
        Ok((process, ours))
    }

    /// Passes the lines of one stream on, and keeps the last ones.
    fn listen(
        self: &Arc<Self>,
        stream: Option<impl Read + Send + 'static>,
        name: &'static str,
        tail: fn(&Self) -> &Tail,
        events: &Arc<dyn EventSink>,
    ) {
        let (process, events) = (Arc::clone(self), Arc::clone(events));
        thread::spawn(move || {
            if let Some(stream) = stream {
                each_line(stream, LONGEST, |line| {
                    tail(&process).push(&line);
                    let message = format!("{} ({name}): {line}", process.title);
                    events.emit(Event::Log {
                        level: LogLevel::Debug,
                        name: None,
                        unique_id: None,
                        message,
                    });
                });
            }
            process.update(|life| life.open_streams -= 1);
        });
    }

    /// Waits for the end, ends what is left of the process, then closes the channel.
    fn await_end(&self, mut child: Child, channel: &UnixStream) {
        // The process stays a zombie until `wait` below: its number, which names the group too, is not given away.
        while let Err(rustix::io::Errno::INTR) = waitid(
            WaitId::Pid(self.pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        ) {}
        self.update(|life| {
            let _ = kill_process_group(self.pid, Signal::KILL);
            life.status = child.wait().ok().or_else(|| Some(ExitStatus::from_raw(0)));
        });
        // What was already sent can still be read.
        let _ = channel.shutdown(Shutdown::Both);
        sweep(MARK, &self.mark);
        self.update(|life| life.swept = true);
    }

    /// Kills the process with its group. Returns at once.
    pub(crate) fn kill(&self) {
        self.update(|life| {
            if life.status.is_none() {
                let _ = kill_process_group(self.pid, Signal::KILL);
            }
        });
    }

    /// Waits until the process and all that it left behind are gone, but not longer than to `deadline`. Says whether
    /// they are.
    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |life| life.swept)
    }

    /// Waits until all is gone; kills what is left at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        if !self.wait_until(deadline) {
            self.kill();
            sweep(MARK, &self.mark);
            // A process that is killed ends; only the kernel can delay it.
            self.wait_until(Instant::now() + Duration::from_secs(5));
        }
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        self.lock().status.is_none()
    }

    /// Tells how it ended, with its last lines. For a process whose channel closed: if it still runs, it is killed.
    pub(crate) fn epitaph(&self) -> String {
        let exited = |life: &Life| life.status.is_some();
        if !self.wait_for(Instant::now() + LAST_WORDS, exited) {
            self.kill();
        }
        self.wait_for(Instant::now() + LAST_WORDS, |life| {
            exited(life) && life.open_streams == 0
        });
        let mut text = format!("{} ended unexpectedly", self.title);
        if let Some(status) = self.lock().status {
            let _ = write!(text, ": {}", describe(status));
        }
        text.push_str(&self.stderr.paragraph("Its last lines on standard error"));
        text.push_str(&self.stdout.paragraph("Its last lines on standard output"));
        text
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        self.life.lock()
    }

    fn update(&self, change: impl FnOnce(&mut Life)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_for(&self, deadline: Instant, reached: impl Fn(&Life) -> bool) -> bool {
        let mut life = self.lock();
        self.changed
            .wait_while_until(&mut life, |life| !reached(life), deadline);
        reached(&life)
    }
}

fn command(launch: &Launch<'_>, mark: &str, channel: UnixStream) -> io::Result<Command> {
    let mut command = Command::new(launch.python);
    command
        .args(["-c", BOOT])
        .arg(launch.home)
        .arg(launch.module)
        .env("FAL_CONTROL_FD", CONTROL_FD.to_string())
        .env("PYTHONUTF8", "1")
        .env(MARK, mark)
        .envs(launch.variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mapping = FdMapping {
        parent_fd: channel.into(),
        child_fd: CONTROL_FD,
    };
    command
        .fd_mappings(vec![mapping])
        .map_err(io::Error::other)?;
    Ok(command)
}

fn describe(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("killed by {}", signal_name(signal)),
        None => format!("exit code {}", status.code().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_in_words() {
        assert_eq!(
            describe(ExitStatus::from_raw(9)),
            "killed by signal 9 (SIGKILL)"
        );
        assert_eq!(describe(ExitStatus::from_raw(3 << 8)), "exit code 3");
    }
}
