//! Replays a recorded run.

use std::io::{BufRead, ErrorKind};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::error::ReportError;
use crate::event::{EVENT_VERSION, EventKind, RunEvent};
use crate::reporter::Reporter;

/// The content of a recorded stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Number of events that were replayed.
    pub events: u64,
    /// Number of events of a later program, which were skipped.
    pub unknown: u64,
    /// Whether the last line is incomplete, because the recording process was killed.
    pub truncated: bool,
}

#[derive(Deserialize)]
struct Line {
    info: Info,
    data: Value,
}

#[derive(Deserialize)]
struct Info {
    ts: Timestamp,
    #[serde(default)]
    event_version: u64,
}

/// Sends `reporter` every event that a [`JsonReporter`](crate::JsonReporter) wrote. Does not call `finish`.
pub fn replay(
    mut reader: impl BufRead,
    reporter: &mut dyn Reporter,
) -> Result<Replayed, ReportError> {
    let mut replayed = Replayed::default();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        read_line(&mut reader, &mut bytes).map_err(|source| ReportError::Stream {
            line: number,
            source,
        })?;
        if bytes.is_empty() {
            break;
        }
        let whole = bytes.ends_with(b"\n");
        match parse(&bytes, number) {
            Ok(Some(event)) => {
                replayed.events += 1;
                reporter.event(&event);
            }
            Ok(None) => replayed.unknown += 1,
            Err(_) if !whole => replayed.truncated = true,
            Err(error) => return Err(error),
        }
    }
    Ok(replayed)
}

fn read_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        match reader.read_until(b'\n', bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}

fn parse(bytes: &[u8], number: u64) -> Result<Option<RunEvent>, ReportError> {
    let invalid = |source| ReportError::Event {
        line: number,
        source,
    };
    let line: Line = serde_json::from_slice(bytes).map_err(invalid)?;
    let found = line.info.event_version;
    if found > u64::from(EVENT_VERSION) {
        return Err(ReportError::EventVersion {
            line: number,
            found,
            known: EVENT_VERSION,
        });
    }
    if !is_known(&line.data) {
        return Ok(None);
    }
    let kind = EventKind::deserialize(line.data).map_err(invalid)?;
    Ok(Some(RunEvent {
        at: line.info.ts,
        kind,
    }))
}

/// Returns the kinds of events that this program can read.
pub(crate) const KNOWN: [&str; 12] = [
    "run_started",
    "stubs_written",
    "problem",
    "node_started",
    "node_output",
    "node_finished",
    "hook_finished",
    "node_skipped",
    "log",
    "error",
    "interrupted",
    "run_finished",
];

/// Returns whether this program knows the event. It does not know events of later programs and
/// lines of dbt itself.
fn is_known(data: &Value) -> bool {
    data.get("event")
        .and_then(Value::as_str)
        .is_some_and(|event| KNOWN.contains(&event))
}
