//! Interrupts a run: asks everything under way to end, and bounds how long the host waits for it.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use fal_plugin::PluginError;
use serde_json::json;

use crate::{error::INTERRUPTED, jobs::Stop, run::Run};

/// How long the session may take to end its queries.
const QUERIES: Duration = Duration::from_millis(700);
/// How long the whole interruption may take, including the session's orderly end.
const ALL: Duration = Duration::from_millis(1500);
/// The least time that an orderly end of the session gets.
const LEAST: Duration = Duration::from_millis(300);

/// Whether and when the run was interrupted.
#[derive(Default)]
pub(crate) struct Cancel(OnceLock<Instant>);

impl Cancel {
    pub(crate) fn is_set(&self) -> bool {
        self.0.get().is_some()
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

/// Interrupts the run. Returns at once.
pub(crate) fn cancel(run: &Arc<Run>) {
    if run.cancel.0.set(Instant::now()).is_err() {
        return;
    }
    run.jobs.stop_all(&Stop::Interrupted);
    run.environments.stop();
    let channel = Arc::clone(&run.dbt.channel);
    // Send from another thread: the session may be too busy to read, and `cancel` must not block.
    thread::spawn(move || drop(channel.send("cancel", &json!({}))));
    let channel = Arc::clone(&run.dbt.channel);
    thread::spawn(move || {
        thread::sleep(QUERIES);
        channel.give_up(|op| op != "finish", &interrupted());
        thread::sleep(ALL - QUERIES);
        channel.give_up(|_| true, &interrupted());
    });
}
