//! Programs of the machine.

use std::{
    env,
    ffi::OsString,
    io,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

/// Whether a file can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// All programs of a name on the path.
pub(crate) fn all_on_path(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders
        .map(|folder| folder.join(name))
        .filter(|path| is_program(path))
        .collect()
}

/// The first program of a name on the path that tells its version. One may be there and not work: version managers put
/// stand-ins on the path.
pub(crate) fn working(name: &str) -> Option<PathBuf> {
    all_on_path(name).into_iter().find(|path| {
        let mut command = Command::new(path);
        command.arg("--version");
        answer(command).is_ok_and(|output| output.status.success())
    })
}

/// How long a program may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a program says that is asked what it is. One that does not answer is killed.
pub(crate) fn answer(mut command: Command) -> io::Result<Output> {
    answer_within(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
        PATIENCE,
    )
}

fn answer_within(command: &mut Command, patience: Duration) -> io::Result<Output> {
    let child = command.process_group(0).spawn()?;
    let group = Pid::from_child(&child);
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    ended.recv_timeout(patience).unwrap_or_else(|_| {
        // It may end at this moment.
        let _ = kill_process_group(group, Signal::KILL);
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} seconds", patience.as_secs_f64()),
        ))
    })
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_answer_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!("sleep 600 & echo $! > {}; wait", pid.display()));
        let error = answer_within(&mut command, Duration::from_millis(500)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // Killed before it wrote the number, or with the child whose number it wrote.
        if let Ok(Ok(pid)) = std::fs::read_to_string(pid).map(|pid| pid.trim().parse::<u32>()) {
            let state = || std::fs::read_to_string(format!("/proc/{pid}/stat"));
            while state().is_ok_and(|stat| !stat.contains(") Z ")) {
                thread::yield_now();
            }
        }
    }
}
