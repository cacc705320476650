//! A command that runs: its start, its output, its end.

use std::{
    ffi::OsString,
    io::{self, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        atomic::{AtomicU8, Ordering},
        Arc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use fal_child::{each_line, sweep, Tail, LONGEST};
use fal_plugin::{
    payload::{Event, LogLevel},
    EventSink,
};
use parking_lot::Mutex;
use rustix::process::{kill_process_group, waitid, Pid, Signal, WaitId, WaitIdOptions};

use crate::{error::StartError, guard::Guard, quote, stop::Stop, values::short_name};

/// Name of the environment variable by which all that a command started is found. The marks of a session begin alike.
pub(crate) const MARK: &str = "FAL_COMMAND_RUNNER_MARK";
/// How many lines of each stream are kept for the message about its end.
const LAST_LINES: usize = 20;
/// How long the rest of the output is waited for: something else may hold the streams open (a shared connection of ssh).
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a killed process may take to go: only the kernel can delay it.
const KILLED: Duration = Duration::from_secs(5);
/// Exit code 255, as a shell would have it.
const UNKNOWN_END: i32 = 255 << 8;

/// What to start.
pub(crate) struct Launch<'a> {
    pub(crate) words: &'a [String],
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) stdin: Stdio,
    /// The folder that it works in.
    pub(crate) dir: &'a Path,
    /// The folder that goes when the host is gone.
    pub(crate) folder: Option<&'a Path>,
    /// What its descendants are known by.
    pub(crate) mark: String,
    /// The node, for events.
    pub(crate) unique_id: &'a str,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) stop: Arc<Stop>,
}

/// A command of ours, in a session of its own.
pub(crate) struct Process {
    mark: String,
    stop: Arc<Stop>,
    watched: Arc<Watched>,
    waiter: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

struct Watched {
    pid: Pid,
    status: Mutex<Option<ExitStatus>>,
    open_streams: AtomicU8,
    stdout: Tail,
    stderr: Tail,
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

/// Puts a command into a session of its own: signals of the terminal do not reach it, and it cannot ask for a password there.
pub(crate) fn own_session(command: &mut Command) -> &mut Command {
    #[expect(
        unsafe_code,
        reason = "setsid is one system call, allowed between fork and exec; the standard library has no call for it"
    )]
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from))
    }
}

impl Process {
    /// Starts the command.
    pub(crate) fn start(launch: Launch<'_>) -> Result<Self, StartError> {
        let program = program(launch.words, launch.dir);
        let mut command = Command::new(&program);
        command
            .args(launch.words.get(1..).unwrap_or_default())
            .env_clear()
            .envs(launch.variables);
        command
            .env(MARK, &launch.mark)
            .stdin(launch.stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if launch.dir.is_dir() {
            command.current_dir(launch.dir);
        }
        let mut child = own_session(&mut command)
            .spawn()
            .map_err(|cause| not_started(launch.words, &program, cause))?;
        let pid = Pid::from_child(&child);
        // Without the guard all is as well, but for the sudden death of the host.
        let guard = Guard::start(pid, launch.folder).ok();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let watched = Arc::new(Watched {
            pid,
            status: Mutex::new(None),
            open_streams: AtomicU8::new(2),
            stdout: Tail::new(LAST_LINES),
            stderr: Tail::new(LAST_LINES),
        });
        let relay = Relay {
            unique_id: launch.unique_id,
            events: &launch.events,
            stop: &launch.stop,
            watched: &watched,
        };
        let readers = vec![
            relay.start(stdout, |watched| &watched.stdout),
            relay.start(stderr, |watched| &watched.stderr),
        ];
        let waiter = thread::spawn({
            let (watched, stop) = (Arc::clone(&watched), Arc::clone(&launch.stop));
            move || {
                watched.await_end(child, guard);
                stop.ring();
            }
        });
        Ok(Self {
            mark: launch.mark,
            stop: launch.stop,
            watched,
            waiter: Some(waiter),
            readers,
        })
    }

    /// How it ended, if it has.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        *self.watched.status.lock()
    }

    /// Ends it and all that it started, in order if that takes no longer than `grace`.
    pub(crate) fn end(&self, grace: Duration) {
        let ended = || self.status().is_some();
        self.watched.signal(Signal::TERM);
        if !self.stop.wait_anyway(Instant::now() + grace, ended) {
            self.watched.signal(Signal::KILL);
            self.stop.wait_anyway(Instant::now() + KILLED, ended);
        }
        sweep(MARK, &self.mark);
    }

    /// Waits for the last of its output; gives its last lines, and the threads that still read.
    pub(crate) fn last_words(mut self) -> (String, Vec<JoinHandle<()>>) {
        let read = || self.watched.open_streams.load(Ordering::Acquire) == 0;
        self.stop.wait_anyway(Instant::now() + LAST_WORDS, read);
        let said = self
            .watched
            .stderr
            .paragraph("Its last lines on standard error");
        let said = if said.is_empty() {
            self.watched
                .stdout
                .paragraph("Its last lines on standard output")
        } else {
            said
        };
        let mut threads = std::mem::take(&mut self.readers);
        threads.extend(self.waiter.take());
        (said, threads)
    }
}

impl Watched {
    fn signal(&self, signal: Signal) {
        let status = self.status.lock();
        if status.is_none() {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    fn await_end(&self, mut child: Child, guard: Option<Guard>) {
        // The process stays a zombie until `wait` below: its number, which names the group too, is not given away.
        while let Err(rustix::io::Errno::INTR) = waitid(
            WaitId::Pid(self.pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        ) {}
        let mut status = self.status.lock();
        drop(guard);
        let _ = kill_process_group(self.pid, Signal::KILL);
        // A process that somebody else waited for has an end that nobody knows: that is no success.
        *status = child
            .wait()
            .ok()
            .or_else(|| Some(ExitStatus::from_raw(UNKNOWN_END)));
    }
}

struct Relay<'a> {
    unique_id: &'a str,
    events: &'a Arc<dyn EventSink>,
    stop: &'a Arc<Stop>,
    watched: &'a Arc<Watched>,
}

impl Relay<'_> {
    /// Passes the lines of a stream on, and keeps the last ones.
    fn start(
        &self,
        stream: Option<impl Read + Send + 'static>,
        tail: fn(&Watched) -> &Tail,
    ) -> JoinHandle<()> {
        let (events, stop, watched) = (
            Arc::clone(self.events),
            Arc::clone(self.stop),
            Arc::clone(self.watched),
        );
        let unique_id = self.unique_id.to_owned();
        thread::spawn(move || {
            if let Some(stream) = stream {
                each_line(stream, LONGEST, |line| {
                    tail(&watched).push(&line);
                    events.emit(log(LogLevel::Info, &unique_id, &line));
                });
            }
            watched.open_streams.fetch_sub(1, Ordering::Release);
            stop.ring();
        })
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
