//! Finds a Python for the environment.

use std::path::{Path, PathBuf};

use crate::{
    error::{Result, XtaskError},
    layout, program,
};

const NAMES: [&str; 5] = [
    "python3",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];
const OLDEST: (u32, u32) = (3, 11);

/// Returns `FAL_HOST_BASE_PYTHON`, or else the first Python on the path that is new enough.
pub(crate) fn find() -> Result<PathBuf> {
    let named = std::env::var("FAL_HOST_BASE_PYTHON").ok();
    let names: Vec<&str> = named
        .as_deref()
        .map_or_else(|| NAMES.to_vec(), |name| vec![name]);
    let mut tried = Vec::new();
    for name in names {
        match version(Path::new(name)) {
            Some((executable, found)) if found >= OLDEST => return Ok(executable),
            Some((_, (major, minor))) => tried.push(format!("{name}: {major}.{minor}")),
            None => tried.push(format!("{name}: not there")),
        }
    }
    Err(XtaskError::NoPython { tried })
}

/// Returns the path of an interpreter and its version, if it runs.
pub(crate) fn version(python: &Path) -> Option<(PathBuf, (u32, u32))> {
    let code = "import sys; print(*sys.version_info[:2], sys.executable)";
    let answer =
        program::output(program::program(python, layout::root()).args(["-c", code])).ok()?;
    let mut words = answer.trim().splitn(3, ' ');
    let found = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((PathBuf::from(words.next()?), found))
}
