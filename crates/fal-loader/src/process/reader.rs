//! The thread that reads the frames of a plugin.

use std::{
    io::Read,
    sync::{Arc, Weak},
    thread,
};

use fal_plugin::process::{FrameReader, Message};
use serde_json::value::RawValue;

use super::{fault::Fault, own::Inner};

/// Reads frames until the stream ends. Holds the process only while it handles a frame, so that the
/// process ends with its last user.
pub(super) fn start(stdout: impl Read + Send + 'static, process: &Arc<Inner>) {
    let process = Arc::downgrade(process);
    thread::spawn(move || {
        let why = read(stdout, &process);
        if let Some(process) = process.upgrade() {
            process.stream_ended(why);
        }
    });
}

fn read(stdout: impl Read, process: &Weak<Inner>) -> Option<Fault> {
    let mut frames = FrameReader::new(stdout);
    loop {
        let message = match frames.next_message() {
            Ok(Some((message, _))) => message,
            Ok(None) => return None,
            Err(error) => return Some(Fault::of_frame(&error)),
        };
        let process = process.upgrade()?;
        if let Err(what) = take(&message, &process) {
            return Some(Fault::Nonsense { what });
        }
    }
}

fn take(message: &Message<'_>, process: &Inner) -> Result<(), String> {
    let bytes = |value: &RawValue| value.get().as_bytes().to_vec();
    if let Some(event) = message.event {
        // Drop events without a receiver: a lost event must not end a run.
        message
            .stage_number()
            .into_iter()
            .for_each(|stage| process.event(stage, event.get().as_bytes()));
        return Ok(());
    }
    let id = message
        .id
        .ok_or("a message that is neither an answer nor an event")?;
    let answer = match (message.ok, message.error) {
        (Some(ok), None) => Ok(bytes(ok)),
        (None, Some(error)) => Err(bytes(error)),
        _ => return Err(format!("the answer {id} has not one of `ok` and `error`")),
    };
    if process.answer(id, answer) {
        Ok(())
    } else {
        Err(format!("an answer to the call {id}, which is not pending"))
    }
}
