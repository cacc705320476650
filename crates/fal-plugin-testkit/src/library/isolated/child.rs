//! The process that loads the library.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    thread,
};

use super::message::{Order, Told, write};
use crate::{
    library::{stages, step::Step},
    report::Outcome,
};

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
        // A plugin that is a process of its own need not look whether it is still wanted.
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
