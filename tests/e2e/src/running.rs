//! A running program: its output line by line, signals, its end.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::{
    deadline::{PATIENCE, wait_until},
    ended::Ended,
    processes,
};

type Text = Arc<Mutex<String>>;

/// A program in a new process group, as a shell starts it.
pub struct Running {
    child: Child,
    mark: String,
    folder: PathBuf,
    stdout: Text,
    stderr: Text,
    readers: Vec<JoinHandle<()>>,
    since: Instant,
}

impl Running {
    pub(crate) fn start(mut command: Command, mark: &str, folder: PathBuf) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdout, stderr) = (Text::default(), Text::default());
        let out = child.stdout.take().map(|stream| read(stream, &stdout));
        let err = child.stderr.take().map(|stream| read(stream, &stderr));
        let readers = out.into_iter().chain(err).collect();
        Self {
            child,
            mark: mark.to_owned(),
            folder,
            stdout,
            stderr,
            readers,
            since: Instant::now(),
        }
    }

    /// Waits until the program printed this text to either stream.
    pub fn wait_for(&self, text: &str) -> &Self {
        let found = wait_until(PATIENCE, || match self.has_ended() {
            // The last output counts too.
            true => Some(self.said().contains(text)),
            false => self.said().contains(text).then_some(true),
        });
        assert_eq!(found, Some(true), "{text:?} was not said\n{}", self.said());
        self
    }

    /// Waits until something gives a value.
    pub fn wait_until<T>(&self, what: &str, condition: impl FnMut() -> Option<T>) -> T {
        let found = wait_until(PATIENCE, condition);
        found.unwrap_or_else(|| panic!("waited in vain until {what}\n{}", self.said()))
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program alone; its end is timed from here.
    pub fn signal(&mut self, signal: Signal) -> &mut Self {
        self.since = Instant::now();
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("signal: {error}"));
        self
    }

    /// Sends a signal to the process group, as a terminal does; the program's end is timed from here.
    pub fn signal_group(&mut self, signal: Signal) -> &mut Self {
        self.since = Instant::now();
        kill_process_group(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("signal: {error}"));
        self
    }

    /// Waits for its end.
    pub fn wait(self) -> Ended {
        self.wait_within(PATIENCE)
    }

    /// Waits for its end, which may take longer than usual.
    pub fn wait_within(mut self, patience: Duration) -> Ended {
        let status = wait_until(patience, || self.child.try_wait().ok().flatten());
        let took = self.since.elapsed();
        let Some(status) = status else {
            panic!("the program did not end\n{}", self.said())
        };
        // A process that still holds the pipes outlived the program; the tests look for such
        // processes themselves.
        wait_until(Duration::from_secs(5), || self.has_ended().then_some(()));
        Ended {
            status,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
            took,
        }
    }

    /// Whether both of its streams are at their end.
    fn has_ended(&self) -> bool {
        self.readers.iter().all(JoinHandle::is_finished)
    }

    /// What it printed so far.
    pub fn said(&self) -> String {
        format!(
            "--- stdout\n{}\n--- stderr\n{}",
            text(&self.stdout),
            text(&self.stderr)
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            processes::sweep(&self.mark, &self.folder);
        }
    }
}

fn read(stream: impl Read + Send + 'static, text: &Text) -> JoinHandle<()> {
    let text = Arc::clone(text);
    thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            text.lock().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

fn text(text: &Text) -> String {
    text.lock().clone()
}
