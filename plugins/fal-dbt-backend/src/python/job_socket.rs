//! The Unix socket that jobs connect to. The first line of each connection names its job.

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

use super::jobs::{Connection, Jobs, Message};
use crate::error::StartError;

/// How long a connection may take to send its first line.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest first line, in bytes.
const LONGEST: usize = 1024;

/// The listening socket for the connections of jobs.
pub(crate) struct JobSocket {
    path: PathBuf,
    listener: UnixListener,
    closed: Arc<AtomicBool>,
}

#[derive(Deserialize)]
struct Greeting {
    job: String,
    channel: Connection,
}

impl JobSocket {
    /// Listens at `path`, and hands each connection to its job.
    pub(crate) fn open(path: PathBuf, jobs: &Arc<Jobs>) -> Result<Self, StartError> {
        let listener = UnixListener::bind(&path).map_err(StartError::system("a socket"))?;
        let own = listener
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
                thread::spawn(move || accept(stream, &jobs));
            }
        });
        Ok(Self {
            path,
            listener: own,
            closed,
        })
    }

    /// Returns the path of the socket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Stops listening.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wake the thread that waits in `accept`: `shutdown` works where the folder is gone, and
        // `connect` where the system does not shut down listening sockets.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        drop(UnixStream::connect(&self.path));
    }
}

impl Drop for JobSocket {
    fn drop(&mut self) {
        self.close();
    }
}

/// Reads the first line and hands the connection to its job. Drops connections whose first line is
/// malformed.
fn accept(stream: UnixStream, jobs: &Jobs) {
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

/// Reads a line byte by byte, since the bytes after it belong to the job's reader.
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
        let socket = JobSocket::open(folder.path().join("jobs"), &jobs).unwrap();
        let mut stranger = UnixStream::connect(socket.path()).unwrap();
        stranger.write_all(b"GET / HTTP/1.0\n").unwrap();
        let mut job = UnixStream::connect(socket.path()).unwrap();
        writeln!(job, r#"{{"job": "{}", "channel": "stdout"}}"#, ticket.job).unwrap();
        job.write_all(b"hello").unwrap();
        drop(job);
        let Ok(Message::Connected(Connection::Stdout, mut stream)) = ticket.messages.recv() else {
            panic!("no connection")
        };
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }
}
