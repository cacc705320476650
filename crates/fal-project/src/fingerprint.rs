//! Recognises an unchanged file by its metadata, without reading it.

use std::{
    fs::Metadata,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A file that was modified this shortly before it was read may have changed again within one tick
/// of the file system's clock, without a new time.
const RACY_NANOS: i128 = 2_000_000_000;

/// The size, times and inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fingerprint {
    size: u64,
    modified: i128,
    changed: i128,
    inode: u64,
}

impl Fingerprint {
    pub(crate) fn new(metadata: &Metadata) -> Self {
        let (changed, inode) = identity(metadata);
        let modified = metadata.modified().map_or(0, nanos);
        Self {
            size: metadata.len(),
            modified,
            changed,
            inode,
        }
    }

    /// Whether the file may have changed, with the same fingerprint, after a run that began at
    /// `started` read it.
    pub(crate) fn is_racy(&self, started: i128) -> bool {
        self.modified > started - RACY_NANOS
    }
}

/// Returns the current time in nanoseconds since 1970.
pub(crate) fn now() -> i128 {
    nanos(SystemTime::now())
}

fn nanos(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

/// Returns the inode's time of change and its number. Unlike the time of modification, no program
/// can set it back.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (i128, u64) {
    use std::os::unix::fs::MetadataExt;
    (
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
        metadata.ino(),
    )
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> (i128, u64) {
    (0, 0)
}
