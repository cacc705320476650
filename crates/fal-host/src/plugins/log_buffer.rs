//! Standard error of plugins in processes of their own: kept until there is someone to tell, then told.

use std::{collections::VecDeque, sync::Arc};

use fal_loader::Log;
use parking_lot::Mutex;

/// Lines that are kept meanwhile.
const KEPT: usize = 200;

/// Brings lines to whoever shows them.
#[derive(Clone, Default)]
pub(super) struct LogBuffer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    kept: VecDeque<(String, String)>,
    to: Option<Log>,
}

impl LogBuffer {
    /// Takes lines.
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

    /// From now on, and for what was kept.
    pub(super) fn to(&self, log: Log) {
        let mut state = self.0.lock();
        let kept = std::mem::take(&mut state.kept);
        state.to = Some(Arc::clone(&log));
        drop(state);
        kept.iter().for_each(|(plugin, line)| log(plugin, line));
    }
}
