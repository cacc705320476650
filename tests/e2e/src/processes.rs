//! Processes that a run left behind.

use std::{fs, os::unix::ffi::OsStrExt, path::Path, time::Duration};

use crate::deadline::wait_until;

/// The environment variable that all processes below a test's host inherit.
pub(crate) const MARK: &str = "FAL_E2E_MARK";

/// The processes with the mark or with this working directory that are left after `grace`.
pub fn survivors(mark: &str, folder: &Path, grace: Duration) -> Vec<String> {
    let mut found = Vec::new();
    let none_left = wait_until(grace, || {
        found = present(mark, folder);
        found.is_empty().then_some(())
    });
    if none_left.is_some() {
        Vec::new()
    } else {
        found
    }
}

fn present(mark: &str, folder: &Path) -> Vec<String> {
    let entries = fs::read_dir("/proc")
        .unwrap_or_else(|error| panic!("/proc: {error}"))
        .flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let others = numbers.filter(|pid| *pid != std::process::id());
    others
        .filter(|pid| belongs(*pid, mark, folder))
        .map(describe)
        .collect()
}

/// A process that has ended but was not waited for has neither environment nor folder.
fn belongs(pid: u32, mark: &str, folder: &Path) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let wanted = format!("{MARK}={mark}");
    let marked = fs::read(process.join("environ")).is_ok_and(|environ| {
        environ
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
    });
    let inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| {
        cwd.as_os_str()
            .as_bytes()
            .starts_with(folder.as_os_str().as_bytes())
    });
    marked || inside
}

/// Kills them, when a test failed.
pub(crate) fn sweep(mark: &str, folder: &Path) {
    for line in present(mark, folder) {
        let pid = line
            .split(' ')
            .next()
            .and_then(|pid| pid.parse().ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

fn describe(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    format!(
        "{pid} {}",
        String::from_utf8_lossy(&words).replace('\0', " ")
    )
}
