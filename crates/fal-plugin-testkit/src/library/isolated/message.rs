//! What parent and child say to each other: a line of JSON a message.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::{case::CaseInfo, library::LibraryOptions, report::Outcome};

/// What the parent says, once.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) options: LibraryOptions,
    /// Cases that are not to be run.
    pub(super) done: Vec<String>,
}

/// What the child says.
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
