//! The end of a process in words.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use rustix::process::Signal;

/// How a process ended: `exit code 3`, `killed by signal 11 (SIGSEGV)`.
pub fn ending(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => format!("killed by {}", signal_name(signal)),
        None => format!("exit code {}", status.code().unwrap_or_default()),
    }
}

/// A signal's number and name: `signal 11 (SIGSEGV)`.
pub fn signal_name(number: i32) -> String {
    let known = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
    ];
    match known.iter().find(|(signal, _)| signal.as_raw() == number) {
        Some((_, name)) => format!("signal {number} ({name})"),
        None => format!("signal {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(11), "signal 11 (SIGSEGV)");
        assert_eq!(signal_name(40), "signal 40");
    }

    #[test]
    fn ends_are_put_in_words() {
        let ended = |raw| ending(ExitStatus::from_raw(raw));
        assert_eq!(ended(9), "killed by signal 9 (SIGKILL)");
        assert_eq!(ended(3 << 8), "exit code 3");
    }
}
