//! Finds and runs installed programs.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

/// Returns whether a file is executable.
pub fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Returns all programs of a name on the path.
pub fn all_on_path(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders
        .map(|folder| folder.join(name))
        .filter(|path| is_program(path))
        .collect()
}

/// Returns the first program of a name on the path that prints its version. Others do not work:
/// version managers put shims on the path for programs that are not installed.
pub(crate) fn working(name: &str) -> Option<PathBuf> {
    all_on_path(name).into_iter().find(|path| {
        let mut command = Command::new(path);
        command.arg("--version");
        answer(command).is_ok_and(|output| output.status.success())
    })
}

/// How long a program may take to print its version.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a program for its output. Kills it if it takes too long.
pub(crate) fn answer(mut command: Command) -> io::Result<Output> {
    fal_process::output(&mut command, PATIENCE)
}

/// Returns a variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
