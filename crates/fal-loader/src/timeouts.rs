//! Time limits of calls.

use std::time::Duration;

/// Methods that do the user's work. They may take any time by default.
const OF_SESSION: [&str; 7] = [
    "load", "begin", "run_node", "compile", "close", "lend", "settle",
];

/// Time limits of calls. `None` means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The limit of all calls that `session` does not cover.
    pub call: Option<Duration>,
    /// The limit of `load`, `begin`, `run_node`, `compile`, `close`, `lend` and `settle`.
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
    /// Returns the same limit for all calls.
    pub fn all(limit: Duration) -> Self {
        Self {
            call: Some(limit),
            session: Some(limit),
        }
    }

    /// Returns the limit of a method.
    pub(crate) fn of(&self, method: &str) -> Option<Duration> {
        if of_session(method) {
            self.session
        } else {
            self.call
        }
    }
}

/// Returns whether a method does the user's work.
pub(crate) fn of_session(method: &str) -> bool {
    OF_SESSION.contains(&method)
}
