//! What a plugin in a process of its own does wrong, and what the user is told of it.

use std::{fmt, sync::Arc, time::Duration};

use fal_plugin::{PluginError, process::FrameError};

use crate::watch::seconds;

/// Why a process is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ended, or was ended from outside.
    Ended {
        /// `exit code 3`, `killed by signal 11 (SIGSEGV)`.
        how: String,
    },
    /// Its standard output ended, but the process did not.
    ClosedOutput,
    /// It closed its standard input, but did not end.
    ClosedInput,
    /// What it wrote to its standard output is no frame.
    Babbled {
        /// What it is instead, in the words of [`FrameError`].
        what: String,
    },
    /// It answered or told something that makes no sense.
    Nonsense {
        /// What.
        what: String,
    },
    /// It did not answer in time.
    TimedOut {
        /// The method.
        method: String,
        /// How long it was waited for.
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

/// A fault, with the name of the plugin and its last words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessError {
    /// Name of the plugin; that of its file, as long as it has not said it.
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
    /// The message for a caller that waited for `method`.
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

    /// What to do.
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

    /// A stable code for it.
    pub fn code(&self) -> &'static str {
        match self.fault {
            Fault::Ended { .. } | Fault::ClosedOutput | Fault::ClosedInput => "plugin::ended",
            Fault::Babbled { .. } => "plugin::babbled",
            Fault::Nonsense { .. } => "plugin::protocol",
            Fault::TimedOut { .. } => "plugin::timeout",
        }
    }

    /// For the caller of a method.
    pub(super) fn in_call(&self, method: &str) -> PluginError {
        PluginError::new(self.code(), self.message(Some(method))).with_help(self.help())
    }
}

/// Shared by all who waited.
pub(super) type Shared = Arc<ProcessError>;
