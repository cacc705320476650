//! Recognizes temporary files that killed processes left.

use std::{
    ffi::OsStr,
    io, process,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

const PREFIX: &str = ".fal-";
const SUFFIX: &str = ".tmp";
/// The age at which a temporary file is a leftover even if its process id is in use: no process
/// keeps one file open for so long, so another process has the id by now.
const OLD: Duration = Duration::from_secs(600);

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Returns a name that no other temporary file has.
pub(crate) fn new_name() -> String {
    format!(
        "{PREFIX}{}-{}{SUFFIX}",
        process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    )
}

/// Returns whether a file name is that of a [`Temporary`](crate::Temporary).
pub fn is_temporary(name: &str) -> bool {
    process_of(name).is_some()
}

/// Returns whether the process that made this file is gone.
pub(crate) fn is_abandoned(
    name: &OsStr,
    modified: impl FnOnce() -> io::Result<SystemTime>,
) -> bool {
    let Some(process) = name
        .to_str()
        .and_then(process_of)
        .filter(|process| *process != process::id())
    else {
        return false;
    };
    !is_alive(process)
        || modified().is_ok_and(|time| {
            SystemTime::now()
                .duration_since(time)
                .is_ok_and(|age| age > OLD)
        })
}

fn process_of(name: &str) -> Option<u32> {
    let (process, _) = name
        .strip_prefix(PREFIX)?
        .strip_suffix(SUFFIX)?
        .split_once('-')?;
    process.parse().ok()
}

fn is_alive(process: u32) -> bool {
    let id = i32::try_from(process)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::Root;

    #[test]
    fn only_what_dead_processes_left_is_swept() {
        let mut child = process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let own = process::id();
        let names = [
            &format!(".fal-{dead}-1.tmp"),
            &format!(".fal-{own}-1.tmp"),
            "mine.tmp",
            ".fal-x-1.tmp",
        ];
        names
            .iter()
            .for_each(|name| fs::write(folder.path().join(name), "x").unwrap());
        Root::open(folder.path()).unwrap().sweep();
        let kept: Vec<_> = names
            .iter()
            .filter(|name| folder.path().join(name).exists())
            .collect();
        assert_eq!(kept, [&names[1], &names[2], &names[3]]);
    }
}
