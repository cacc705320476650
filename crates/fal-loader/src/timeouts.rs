//! How long a call may take.

use std::time::Duration;

/// Calls whose work is the user's: they last as long as it takes.
const OF_SESSION: [&str; 7] = [
    "load", "begin", "run_node", "compile", "close", "lend", "settle",
];

/// Time-outs of calls. `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For all calls but those of `session`.
    pub call: Option<Duration>,
    /// For `load`, `begin`, `run_node`, `compile`, `close`, `lend` and `settle`.
    pub session: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            call: Some(Duration::from_secs(60)),
            session: None,
        }
    }
}

impl Timeouts {
    /// For all calls alike.
    pub fn all(limit: Duration) -> Self {
        Self {
            call: Some(limit),
            session: Some(limit),
        }
    }

    /// The limit of a method.
    pub(crate) fn of(&self, method: &str) -> Option<Duration> {
        if of_session(method) {
            self.session
        } else {
            self.call
        }
    }
}

/// Whether a method is one of those without a limit of its own.
pub(crate) fn of_session(method: &str) -> bool {
    OF_SESSION.contains(&method)
}
