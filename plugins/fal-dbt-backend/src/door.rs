//! The Unix socket at which jobs report: each connection says in its first line whose it is.

use std::{
    io::Read,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicBool, Ordering},
        Arc,
    },
    thread,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    error::StartError,
    jobs::{Jobs, Message, Part},
};

/// How long a connection may take to say whose it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest first line.
const LONGEST: usize = 1024;

/// An open door.
pub(crate) struct Door {
    path: PathBuf,
    listener: UnixListener,
    closed: Arc<AtomicBool>,
}

#[derive(Deserialize)]
struct Greeting {
    job: String,
    channel: Part,
}

impl Door {
    /// Opens the door at `path`.
    pub(crate) fn open(path: PathBuf, jobs: &Arc<Jobs>) -> Result<Self, StartError> {
        let listener = UnixListener::bind(&path).map_err(StartError::system("a socket"))?;
        let kept = listener
            .try_clone()
            .map_err(StartError::system("a socket"))?;
        let closed = Arc::new(AtomicBool::new(false));
        let (seen, jobs) = (Arc::clone(&closed), Arc::clone(jobs));
        thread::spawn(move || {
            for stream in listener
                .incoming()
                .take_while(|_| !seen.load(Ordering::SeqCst))
                .flatten()
            {
                let jobs = Arc::clone(&jobs);
                thread::spawn(move || greet(stream, &jobs));
            }
        });
        Ok(Self {
            path,
            listener: kept,
            closed,
        })
    }

    /// Where jobs connect.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the door.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection: the first where the folder is gone, the second where the system
        // does not shut down what listens.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        drop(UnixStream::connect(&self.path));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.close();
    }
}

/// Who says nothing sensible is not one of ours: the connection is dropped.
fn greet(stream: UnixStream, jobs: &Jobs) {
    if stream.set_read_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let Ok(greeting) = serde_json::from_slice::<Greeting>(&first_line(&stream)) else {
        return;
    };
    if stream.set_read_timeout(None).is_ok() {
        jobs.deliver(&greeting.job, Message::Connected(greeting.channel, stream));
    }
}

/// Byte by byte: what follows the line is for someone else.
fn first_line(mut stream: &UnixStream) -> Vec<u8> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST && matches!(stream.read(&mut byte), Ok(1)) && byte != *b"\n" {
        line.push(byte[0]);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn connections_reach_their_job_with_all_that_follows_the_greeting() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = Arc::new(Jobs::default());
        let ticket = jobs.open(1);
        let door = Door::open(folder.path().join("jobs"), &jobs).unwrap();
        let mut stranger = UnixStream::connect(door.path()).unwrap();
        stranger.write_all(b"GET / HTTP/1.0\n").unwrap();
        let mut job = UnixStream::connect(door.path()).unwrap();
        writeln!(job, r#"{{"job": "{}", "channel": "stdout"}}"#, ticket.job).unwrap();
        job.write_all(b"hello").unwrap();
        drop(job);
        let Ok(Message::Connected(Part::Stdout, mut stream)) = ticket.messages.recv() else {
            panic!("no connection")
        };
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }
}
