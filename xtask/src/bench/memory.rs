//! Peak memory of a program and all its descendants, from /proc.
//!
//! The sum is counted as proportional set size: a page that forked processes share counts once. It
//! is sampled, so a peak shorter than the pause can be missed; the run that is sampled is not
//! timed.
//!
//! For single processes it is the peak resident memory, which the kernel records; memory that a
//! process gets in its last pause is missed. Pages that processes share count for each of them.

use std::{
    collections::HashMap,
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    error::{At, Result, XtaskError},
    program,
};

const PAUSE: Duration = Duration::from_millis(20);

/// Runs a program to its end and returns the peak memory of it and its descendants together.
pub(super) fn peak(command: &mut Command) -> Result<u64> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .at("bench")?;
    let mut peak = 0;
    while child.try_wait().at("bench")?.is_none() {
        peak = peak.max(tree(child.id()).into_iter().filter_map(proportional).sum());
        thread::sleep(PAUSE);
    }
    Ok(peak)
}

/// Runs a program to its end and returns the peak memory of the host and of each kind of its
/// processes.
pub(super) fn peaks(command: &mut Command) -> Result<Vec<(String, u64)>> {
    let shown = program::shown(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .at("bench")?;
    let mut peaks: Vec<(String, u64)> = Vec::new();
    let status = loop {
        for (role, peak) in tree(child.id())
            .into_iter()
            .filter_map(|id| Some((role(id, child.id()), high_water(id)?)))
        {
            match peaks.iter_mut().find(|(name, _)| name == role) {
                Some((_, known)) => *known = peak.max(*known),
                None => peaks.push((role.to_owned(), peak)),
            }
        }
        if let Some(status) = child.try_wait().at("bench")? {
            break status;
        }
        thread::sleep(PAUSE);
    };
    if status.success() {
        Ok(peaks)
    } else {
        Err(XtaskError::Failed {
            command: shown,
            status,
            output: String::new(),
        })
    }
}

/// Returns the kind of a process of a run. A job is forked from the zygote and has the same command
/// line.
fn role(id: u32, host: u32) -> &'static str {
    let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    match String::from_utf8_lossy(&words) {
        _ if id == host => "host",
        words if words.contains("fal_worker.engine") => "session",
        _ if parent(id) == Some(host) => "zygote",
        _ => "job",
    }
}

/// Returns a process and its descendants.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some((id, parent)) = id.and_then(|id| Some((id, parent(id)?))) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(id) = found.get(at) {
        found.extend(children.remove(id).unwrap_or_default());
        at += 1;
    }
    found
}

/// Reads the fourth field of `stat`, counted after the name, which may contain anything.
fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

fn proportional(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn high_water(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_finds_itself_and_its_child() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        let own = proportional(std::process::id());
        let most = high_water(std::process::id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&child.id()) && found[0] == std::process::id());
        assert!(own.unwrap() > 100_000 && most.unwrap() > 100_000);
    }
}
