//! The process that loads the library, and its messages with the parent: a line of JSON each.

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
    /// Cases that are not to be run.
    pub(super) done: Vec<String>,
}

/// A message of the child.
#[derive(Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub(super) enum Told {
    /// These cases will come.
    Plan { cases: Vec<CaseInfo> },
    /// This case runs now.
    Started { case: String },
    /// It ended.
    Ended { case: String, outcome: Outcome },
    /// There are no more.
    Done { subject: String },
}

pub(super) fn write<T: Serialize>(mut stream: impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Checks what the parent asks for: the whole work of the program that [`check_isolated`](super::check_isolated) starts.
/// `leave` ends this process at once, when the parent is done or gone: the plugin may hang.
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

/// The parent says nothing more; the end of the channel is our end, also while the plugin hangs.
fn end_with_parent(mut reader: BufReader<UnixStream>, leave: fn() -> !) {
    thread::spawn(move || {
        let _ = reader.read(&mut [0]);
        // A plugin that is a separate process need not look whether it is still wanted.
        fal_loader::end_all();
        leave();
    });
}

fn serve(channel: &UnixStream, order: &Order) -> io::Result<()> {
    let mut gone = None;
    let mut tell = |told: &Told| {
        if let Err(error) = write(channel, told) {
            gone = Some(error);
        }
    };
    let told = std::cell::RefCell::new(&mut tell);
    let subject = stages::walk(
        &order.options,
        &mut |cases| {
            told.borrow_mut()(&Told::Plan {
                cases: cases.to_vec(),
            })
        },
        &mut |Step { info, run }| {
            let case = info.name;
            if order.done.contains(&case) {
                return;
            }
            told.borrow_mut()(&Told::Started { case: case.clone() });
            let outcome = in_thread(run);
            told.borrow_mut()(&Told::Ended { case, outcome });
        },
    );
    told.borrow_mut()(&Told::Done { subject });
    gone.map_or(Ok(()), Err)
}

/// With the stack of a thread, as in the host, and not that of the first one.
fn in_thread(run: Box<dyn FnOnce() -> Outcome + Send>) -> Outcome {
    thread::spawn(run)
        .join()
        .unwrap_or_else(|_| super::died("the thread of the case panicked".to_owned()))
}
