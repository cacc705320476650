//! The interruption of a run: everything under way is told to end, and nobody waits for long.

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
/// How long all may take, the session's orderly end included.
const ALL: Duration = Duration::from_millis(1500);
/// What an orderly end gets at the least.
const LEAST: Duration = Duration::from_millis(300);

/// Whether and when the run was interrupted.
#[derive(Default)]
pub(crate) struct Cancel(OnceLock<Instant>);

impl Cancel {
    pub(crate) fn is_set(&self) -> bool {
        self.0.get().is_some()
    }

    /// When the session must be gone, for a run that was interrupted at the latest now.
    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        self.0
            .get()
            .map_or(now + ALL, |at| (*at + ALL).max(now + LEAST))
    }
}

/// What is told to all who wait.
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
    // The session may be too busy to read: nobody waits for that either.
    thread::spawn(move || drop(channel.send("cancel", &json!({}))));
    let channel = Arc::clone(&run.dbt.channel);
    thread::spawn(move || {
        thread::sleep(QUERIES);
        channel.give_up(|op| op != "finish", &interrupted());
        thread::sleep(ALL - QUERIES);
        channel.give_up(|_| true, &interrupted());
    });
}
