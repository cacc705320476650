//! A process with all that it started: how it is waited for, told apart and ended.

use std::{
    io,
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Lets the process be the first of a group of its own: a Ctrl-C of the terminal is the host's business.
pub(super) fn alone(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Kills the group of a process that was not yet waited for. By its number alone, so that whoever waits is not disturbed.
pub(super) fn kill(id: u32) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    {
        // A group that is gone is what was wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

/// Whether the process has ended; its number stays taken until it is waited for.
#[cfg(unix)]
fn has_ended(id: u32) -> bool {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(process) = i32::try_from(id).ok().and_then(Pid::from_raw) else {
        return true;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // What cannot be waited for is gone.
    waitid(WaitId::Pid(process), options).map_or(true, |status| status.is_some())
}

/// Gives the process time to end by itself, then ends it and what it left behind. True if it ended by itself. Takes note in
/// `reaped` that it was waited for.
pub(super) fn end(
    child: &mut Child,
    patience: Duration,
    reaped: &Mutex<bool>,
) -> (bool, io::Result<ExitStatus>) {
    let until = Instant::now() + patience;
    let mut pause = Duration::from_micros(500);
    #[cfg(unix)]
    let ended = |child: &mut Child| has_ended(child.id());
    #[cfg(not(unix))]
    let ended = |child: &mut Child| child.try_wait().map_or(true, |status| status.is_some());
    let mut by_itself = ended(child);
    while !by_itself && Instant::now() < until {
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
        by_itself = ended(child);
    }
    // Whoever kills by its number waits meanwhile.
    let mut reaped = reaped.lock();
    kill(child.id());
    if !by_itself {
        // On systems without groups, and if the process left its own.
        let _ = child.kill();
    }
    let status = child.wait();
    *reaped = true;
    (by_itself, status)
}

/// How a process ended, in words.
pub(super) fn how(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}{}", name(signal));
    }
    status
        .code()
        .map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

#[cfg(unix)]
fn name(signal: i32) -> &'static str {
    match signal {
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 | 10 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
