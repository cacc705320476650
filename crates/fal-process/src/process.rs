//! A child process with the threads that read its output and wait for its end.

use std::{
    io::{self, Read},
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use rustix::process::{Pid, Signal};

use crate::{group::Group, sweep::Mark, tail::Tail};

/// How long a killed process may take to go: only the kernel can delay it.
const KILLED: Duration = Duration::from_secs(5);
/// The status of a process that somebody else reaped: no success. Exit code 255, as a shell would have it.
const UNKNOWN: i32 = 255 << 8;

/// One of the two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What the user of a [`Process`] wants to hear of it.
pub trait Listener: Send + Sync + 'static {
    /// Takes a line of output.
    fn line(&self, stream: Stream, line: &str);

    /// Is called once the process has been reaped. [`Process::wait_gone`] returns after it.
    fn ended(&self) {}
}

/// A child that leads a group or a session, with the last lines of its output.
#[derive(Debug)]
pub struct Process {
    group: Group,
    mark: Mark,
    stdout: Arc<Tail>,
    stderr: Arc<Tail>,
    life: Mutex<Life>,
    changed: Condvar,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Life {
    status: Option<ExitStatus>,
    gone: bool,
}

impl Process {
    /// Starts a command that [`own_group`](crate::own_group) or [`own_session`](crate::own_session) prepared, with the mark
    /// in its environment. Keeps up to `lines` lines of each stream.
    ///
    /// `guard` gets the group's number and may return something that acts on it; it is dropped before that number is given
    /// away.
    ///
    /// # Errors
    /// If the system cannot start it.
    pub fn spawn<G: Send + 'static>(
        command: &mut Command,
        mark: Mark,
        lines: usize,
        listener: Arc<dyn Listener>,
        guard: impl FnOnce(Pid) -> G,
    ) -> io::Result<Arc<Self>> {
        command
            .env(mark.variable, &mark.value)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let group = Group::spawn(command)?;
        let guard = guard(group.pid());
        let process = Arc::new(Self {
            group,
            mark,
            stdout: Arc::new(Tail::new(lines)),
            stderr: Arc::new(Tail::new(lines)),
            life: Mutex::default(),
            changed: Condvar::new(),
            threads: Mutex::default(),
        });
        let follow = |stream, tail: &Arc<Tail>, input: Option<Box<dyn Read + Send>>| {
            let listener = Arc::clone(&listener);
            tail.follow(input, move |line| listener.line(stream, line))
        };
        let (stdout, stderr) = (process.group.stdout(), process.group.stderr());
        let stdout = stdout.map(|stream| Box::new(stream) as _);
        let stderr = stderr.map(|stream| Box::new(stream) as _);
        let readers = [
            follow(Stream::Stdout, &process.stdout, stdout),
            follow(Stream::Stderr, &process.stderr, stderr),
        ];
        let waiting = Arc::clone(&process);
        let waiter = thread::spawn(move || waiting.await_end(guard, &*listener));
        process.threads.lock().extend(readers);
        process.threads.lock().push(waiter);
        Ok(process)
    }

    fn await_end(&self, guard: impl Send, listener: &dyn Listener) {
        let status = self.group.wait(|| drop(guard));
        let status = status.and_then(Result::ok);
        self.update(|life| {
            life.status = status.or_else(|| Some(ExitStatus::from_raw(UNKNOWN)));
        });
        listener.ended();
        self.update(|life| life.gone = true);
    }

    /// How the process ended, if it has.
    pub fn status(&self) -> Option<ExitStatus> {
        self.life.lock().status
    }

    /// Kills the process with its group. Returns at once.
    pub fn kill(&self) {
        self.group.kill();
    }

    /// Interrupts the group as Ctrl-C would. Returns at once.
    pub fn interrupt(&self) {
        self.group.signal(Signal::INT);
    }

    /// Waits until the process has ended, but no longer than `deadline`. Says whether it has.
    pub fn wait_end(&self, deadline: Instant) -> bool {
        self.wait(deadline, |life| life.status.is_some())
    }

    /// Waits until the listener, too, is done with the end, but no longer than `deadline`. Says whether it is.
    pub fn wait_gone(&self, deadline: Instant) -> bool {
        self.wait(deadline, |life| life.gone)
    }

    /// Waits until all is gone. Kills what is left at `deadline`.
    pub fn end_by(&self, deadline: Instant) {
        if !self.wait_gone(deadline) {
            self.kill();
            self.mark.sweep();
            self.wait_gone(Instant::now() + KILLED);
        }
    }

    /// Asks the group to end, kills it if that takes longer than `grace`, and sweeps up what left the group.
    pub fn terminate(&self, grace: Duration) {
        self.group.signal(Signal::TERM);
        if !self.wait_end(Instant::now() + grace) {
            self.kill();
            self.wait_end(Instant::now() + KILLED);
        }
        self.mark.sweep();
    }

    /// The last lines of both streams as paragraphs for a message, standard error first. Waits for the ends of the streams,
    /// but no longer than `deadline`.
    pub fn last_lines(&self, deadline: Instant) -> [String; 2] {
        self.stdout.wait_end(deadline);
        self.stderr.wait_end(deadline);
        [
            self.stderr.paragraph("Its last lines on standard error"),
            self.stdout.paragraph("Its last lines on standard output"),
        ]
    }

    /// Takes the threads that read and wait, for those who want to see them end.
    pub fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock())
    }

    fn update(&self, change: impl FnOnce(&mut Life)) {
        change(&mut self.life.lock());
        self.changed.notify_all();
    }

    fn wait(&self, deadline: Instant, reached: impl Fn(&Life) -> bool) -> bool {
        let mut life = self.life.lock();
        self.changed
            .wait_while_until(&mut life, |life| !reached(life), deadline);
        reached(&life)
    }
}
