//! Interrupts builds.

use std::{collections::HashMap, io::PipeWriter, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::error::EnvironmentError;

/// Stops running builds, and prevents new ones.
/// // An installer runs only as long as the writing end of its pipe, its lifeline, is open. So it
/// also ends when this process does.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    raised: bool,
    last: u64,
    lifelines: HashMap<u64, PipeWriter>,
}

/// A lifeline in use. Dropping it closes the pipe.
pub(crate) struct Lifeline {
    stop: Stop,
    number: u64,
}

impl Stop {
    /// Creates a handle that has not been stopped.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops all builds. Returns at once.
    pub fn raise(&self) {
        let mut state = self.lock();
        state.raised = true;
        state.lifelines.clear();
    }

    /// Returns whether builds were stopped.
    pub fn is_raised(&self) -> bool {
        self.lock().raised
    }

    /// Returns an error if builds were stopped.
    pub(crate) fn check(&self) -> Result<(), EnvironmentError> {
        if self.is_raised() {
            Err(EnvironmentError::Stopped)
        } else {
            Ok(())
        }
    }

    /// Keeps a lifeline until the installer has ended or is to end.
    pub(crate) fn hold(&self, writer: PipeWriter) -> Lifeline {
        let mut state = self.lock();
        state.last += 1;
        let number = state.last;
        if !state.raised {
            state.lifelines.insert(number, writer);
        }
        Lifeline {
            stop: self.clone(),
            number,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        self.stop.lock().lifelines.remove(&self.number);
    }
}
