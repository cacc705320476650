//! Whether and when the user interrupted the run.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use fal_plugin::PluginError;

use crate::error::INTERRUPTED;

/// How long the whole interruption may take, including the session's orderly end.
pub(crate) const ALL: Duration = Duration::from_millis(1500);
/// The least time that an orderly end of the session gets.
const LEAST: Duration = Duration::from_millis(300);

/// Whether and when the run was interrupted. Clones share their state.
#[derive(Clone, Default)]
pub(crate) struct Cancel(Arc<OnceLock<Instant>>);

impl Cancel {
    pub(crate) fn is_set(&self) -> bool {
        self.0.get().is_some()
    }

    /// Marks the run as interrupted. Returns whether it was not before.
    pub(crate) fn set(&self) -> bool {
        self.0.set(Instant::now()).is_ok()
    }

    /// Returns when the session must be gone. A run that was not interrupted before counts as
    /// interrupted now.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        self.0
            .get()
            .map_or(now + ALL, |at| (*at + ALL).max(now + LEAST))
    }
}

/// Returns the error that every pending request of an interrupted run gets.
pub(crate) fn interrupted() -> PluginError {
    PluginError::new(INTERRUPTED, "interrupted")
}
