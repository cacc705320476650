//! What tells, without reading it, that a file is the one that was read before.

use std::{
    fs::Metadata,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// A file whose time is this close to the moment of reading may have changed since within one tick of its clock.
const RACY_NANOS: i128 = 2_000_000_000;

/// Size, times and identity of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    size: u64,
    modified: i128,
    changed: i128,
    inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let (changed, inode) = identity(metadata);
        let modified = metadata.modified().map_or(0, nanos);
        Self {
            size: metadata.len(),
            modified,
            changed,
            inode,
        }
    }

    /// Whether the file may have been changed after it was read in a run that began at `started`, without a trace
    /// in its stamp.
    pub(crate) fn is_racy(&self, started: i128) -> bool {
        self.modified > started - RACY_NANOS
    }
}

/// Now, in nanoseconds since 1970.
pub(crate) fn now() -> i128 {
    nanos(SystemTime::now())
}

fn nanos(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

/// The time of the last change of the inode cannot be set back, unlike that of the content.
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
