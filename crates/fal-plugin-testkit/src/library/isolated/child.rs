//! The child process that loads the library, and its messages, which are lines of JSON.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    thread,
};

use serde::{Deserialize, Serialize};

use crate::{
    case::CaseInfo,
    library::{LibraryOptions, Step, stages},
    report::Outcome,
};

/// The parent's only message.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) options: LibraryOptions,
    /// Cases that are done already and must not run.
    pub(super) done: Vec<String>,
}

/// A message from the child to the parent.
#[derive(Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(super) enum Message {
    /// The child will run these cases.
    Plan { cases: Vec<CaseInfo> },
    /// The case starts.
    Started { case: String },
    /// The case ended.
    Ended { case: String, outcome: Outcome },
    /// All cases are done.
    Done { subject: String },
}

pub(super) fn write<T: Serialize>(mut stream: impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Runs the checks that the parent asks for. This is the entire work of the program that
/// [`check_isolated`](super::check_isolated) starts. `leave` must end this process immediately: it
/// is called when the parent is done or gone, and the plugin may hang then.
///
/// # Errors
/// If the parent is gone, or standard input is no channel to one.
pub fn serve_child(leave: fn() -> !) -> io::Result<()> {
    let channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut reader = BufReader::new(channel.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    end_with_parent(reader, leave);
    serve(&channel, &order)
}

/// Ends this process when the parent closes the channel, even while the plugin hangs.
fn end_with_parent(mut reader: BufReader<UnixStream>, leave: fn() -> !) {
    thread::spawn(move || {
        let _ = reader.read(&mut [0]);
        // A plugin in a separate process may not notice that its host is gone, so end it here.
        fal_loader::end_all();
        leave();
    });
}

fn serve(channel: &UnixStream, order: &Order) -> io::Result<()> {
    let mut gone = None;
    let mut send = |message: &Message| {
        if let Err(error) = write(channel, message) {
            gone = Some(error);
        }
    };
    let subject = stages::walk(&order.options, &mut |steps| {
        let cases = steps.iter().map(|step| step.info.clone()).collect();
        send(&Message::Plan { cases });
        for Step { info, run } in steps {
            let case = info.name;
            if !order.done.contains(&case) {
                send(&Message::Started { case: case.clone() });
                let outcome = in_thread(run);
                send(&Message::Ended { case, outcome });
            }
        }
    });
    send(&Message::Done { subject });
    gone.map_or(Ok(()), Err)
}

/// Runs a case on a new thread, so that it has the stack size of the host's threads and not that of
/// the main thread.
fn in_thread(run: Box<dyn FnOnce() -> Outcome + Send>) -> Outcome {
    thread::spawn(run)
        .join()
        .unwrap_or_else(|_| super::died("the thread of the case panicked".to_owned()))
}
