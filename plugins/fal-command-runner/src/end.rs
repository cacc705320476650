//! How an attempt ended, and the words that describe it to the user.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use fal_process::signal_name;

use crate::config::Cause;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// The command ended with this code.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It took longer than it may.
    TimedOut(Duration),
    /// The run was interrupted.
    Stopped,
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match status.signal() {
            Some(signal) => Self::Signalled(signal),
            None => Self::Exited(status.code().unwrap_or_default()),
        }
    }
}

impl End {
    /// Returns whether the attempt ended by this `cause`, so that a retry is allowed if it is
    /// listed.
    pub(crate) fn is(self, cause: Cause) -> bool {
        match (self, cause) {
            (Self::Exited(code), Cause::Code(listed)) => code == i32::from(listed),
            // With 126 and 127 a shell reports a program that it cannot execute or find. A retry
            // would end the same way.
            (Self::Exited(code), Cause::Exit) => !matches!(code, 0 | 1 | 126 | 127),
            (Self::Signalled(_), Cause::Signal) | (Self::TimedOut(_), Cause::Timeout) => true,
            _ => false,
        }
    }

    /// Describes the end in words that follow `the command`.
    pub(crate) fn describe(self) -> String {
        match self {
            Self::Exited(1) => "ended with exit code 1".to_owned(),
            Self::Exited(3) => {
                "ended with exit code 3: the model's script could not work there".to_owned()
            }
            Self::Exited(126) => {
                "ended with exit code 126: a program in it cannot be executed".to_owned()
            }
            Self::Exited(127) => {
                "ended with exit code 127: a program in it was not found".to_owned()
            }
            Self::Exited(137) => {
                "ended with exit code 137: something in it was killed, as for want of memory"
                    .to_owned()
            }
            Self::Exited(code) => format!("ended with exit code {code}"),
            Self::Signalled(signal) => format!("was killed by {}", signal_name(signal)),
            Self::TimedOut(limit) => format!(
                "was ended after {}, which is its time limit",
                seconds(limit)
            ),
            Self::Stopped => "was interrupted".to_owned(),
        }
    }
}

/// Formats a time in seconds: `90s`.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        return format!("{}s", (time.as_secs_f64() * 10.0).round() / 10.0);
    }
    format!("{}s", time.as_secs())
}
