//! Buffers the standard error of plugins in separate processes until a log is attached.

use std::{collections::VecDeque, sync::Arc};

use fal_loader::Log;
use parking_lot::Mutex;

/// How many lines it keeps; older ones go.
const KEPT: usize = 200;

/// Passes lines to the log, or keeps them until there is one.
#[derive(Clone, Default)]
pub(super) struct LogBuffer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    kept: VecDeque<(String, String)>,
    to: Option<Log>,
}

impl LogBuffer {
    /// Returns the log that plugins write to.
    pub(super) fn log(&self) -> Log {
        let relay = self.clone();
        Arc::new(move |plugin, line| relay.take(plugin, line))
    }

    fn take(&self, plugin: &str, line: &str) {
        let mut state = self.0.lock();
        match state.to.clone() {
            Some(to) => {
                drop(state);
                to(plugin, line);
            }
            None => {
                if state.kept.len() == KEPT {
                    state.kept.pop_front();
                }
                state.kept.push_back((plugin.to_owned(), line.to_owned()));
            }
        }
    }

    /// Attaches a log: it gets the kept lines, and all later ones.
    pub(super) fn to(&self, log: Log) {
        let mut state = self.0.lock();
        let kept = std::mem::take(&mut state.kept);
        state.to = Some(Arc::clone(&log));
        drop(state);
        kept.iter().for_each(|(plugin, line)| log(plugin, line));
    }
}
