//! Waiting for a condition.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Longer than any step takes on a loaded machine: only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Polls `condition` until it gives a value; `None` after `patience`.
pub fn wait_until<T>(patience: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if Instant::now() >= end {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
