//! The faults of a plugin's process, and the messages about them for the user.

use std::{fmt, sync::Arc, time::Duration};

use fal_plugin::{PluginError, process::FrameError};

use crate::watch::seconds;

/// Why a process can no longer be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ended, or was ended from outside.
    Ended {
        /// Describes the exit: `exit code 3`, `killed by signal 11 (SIGSEGV)`.
        how: String,
    },
    /// Its standard output ended, but the process did not.
    ClosedOutput,
    /// It closed its standard input, but did not end.
    ClosedInput,
    /// It wrote something other than a frame to its standard output.
    Babbled {
        /// The message of the [`FrameError`].
        what: String,
    },
    /// It sent a frame that the protocol does not allow.
    Nonsense {
        /// What.
        what: String,
    },
    /// It did not answer in time.
    TimedOut {
        /// The method.
        method: String,
        /// How long the host waited.
        after: Duration,
    },
}

impl Fault {
    pub(super) fn of_frame(error: &FrameError) -> Self {
        match error {
            FrameError::NoMessage { .. } => Self::Nonsense {
                what: error.to_string(),
            },
            _ => Self::Babbled {
                what: error.to_string(),
            },
        }
    }
}

/// A fault, with the name of the plugin and its last lines of standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessError {
    /// Name of the plugin, or of its file until the plugin's name is known.
    pub plugin: String,
    /// What is wrong.
    pub fault: Fault,
    /// The last lines of its standard error.
    pub last_words: Vec<String>,
}

impl std::error::Error for ProcessError {}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(None))
    }
}

impl ProcessError {
    /// Returns the message for a caller that waited for `method`.
    pub(crate) fn message(&self, method: Option<&str>) -> String {
        let Self { plugin, fault, .. } = self;
        let within = method
            .map(|method| format!(" in `{method}`"))
            .unwrap_or_default();
        let mut text = match fault {
            Fault::Ended { how } => format!("the plugin `{plugin}` ended{within}: {how}"),
            Fault::ClosedOutput => {
                format!("the plugin `{plugin}` closed its standard output{within}")
            }
            Fault::ClosedInput => {
                format!("the plugin `{plugin}` closed its standard input{within}")
            }
            Fault::Babbled { what } => {
                format!("the plugin `{plugin}` wrote to its standard output {what}")
            }
            Fault::Nonsense { what } => {
                format!("the plugin `{plugin}` broke the protocol{within}: {what}")
            }
            Fault::TimedOut { method, after } => {
                format!(
                    "the plugin `{plugin}` timed out after {} s in `{method}`, and was ended",
                    seconds(after)
                )
            }
        };
        if !self.last_words.is_empty() {
            text.push_str("\nIts last lines on standard error:");
            self.last_words
                .iter()
                .for_each(|line| text.push_str(&format!("\n  {line}")));
        }
        text
    }

    /// Returns what the user can do.
    pub fn help(&self) -> String {
        match &self.fault {
            Fault::Ended { .. } | Fault::ClosedOutput | Fault::ClosedInput | Fault::Nonsense { .. } => {
                "this is a fault of the plugin: `fal-host plugin check` finds more of them; report it to its author, or choose \
                 another with `--plugin`"
            }
            Fault::Babbled { .. } => {
                "standard output carries the protocol: print to standard error (with fal_plugin.py: print only once `serve` runs)"
            }
            Fault::TimedOut { method, .. } if crate::timeouts::of_session(method) => {
                "if it is only slow, raise `plugins: session_timeout:` in fal_project.yml"
            }
            Fault::TimedOut { .. } => "if it is only slow, raise `plugins: timeout:` in fal_project.yml",
        }
        .to_owned()
    }

    /// Returns the stable code of the fault.
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Ended { .. } | Fault::ClosedOutput | Fault::ClosedInput => "plugin::ended",
            Fault::Babbled { .. } => "plugin::babbled",
            Fault::Nonsense { .. } => "plugin::protocol",
            Fault::TimedOut { .. } => "plugin::timeout",
        }
    }

    /// Returns the error for the caller of a method.
    pub(super) fn in_call(&self, method: &str) -> PluginError {
        PluginError::new(self.code(), self.message(Some(method))).with_help(self.help())
    }
}

/// A report that all waiting callers share.
pub(super) type Shared = Arc<ProcessError>;
