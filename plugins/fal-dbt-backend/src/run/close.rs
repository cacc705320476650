//! Ends a run: in order if possible, otherwise by force. No process or file of the run is left
//! afterwards.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use fal_plugin::{
    payload::{CloseRequest, CloseResponse},
    PluginError,
};

use super::Run;
use crate::{
    error::{AskError, INTERRUPTED},
    python::Stop,
};

/// How long an interpreter may take to exit when its work is done: the database writes its log into
/// its file.
const AFTER_WORK: Duration = Duration::from_secs(10);
/// How long an interpreter without work to finish may take to exit.
const IDLE: Duration = Duration::from_secs(1);

impl Run {
    /// Interrupts the run: asks everything under way to end, and bounds how long the host waits
    /// for it. Returns at once.
    pub(crate) fn cancel(&self) {
        if self.cancel.set() {
            self.python.stop_jobs(&Stop::Interrupted);
            self.python.stop_builds();
            self.engine().cancel();
        }
    }

    /// Ends the run in order.
    pub(crate) fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(CloseResponse::default());
        }
        self.python.close();
        let begun = self.begun.load(Ordering::SeqCst);
        let answer = if begun {
            self.finish(request)
        } else {
            Ok(CloseResponse::default())
        };
        let now = Instant::now();
        let deadline = match (self.is_urgent(request), begun && answer.is_ok()) {
            (true, _) => self.cancel.deadline(),
            (false, true) => now + AFTER_WORK,
            (false, false) => now + IDLE,
        };
        self.end_by(deadline.min(now + AFTER_WORK));
        answer
    }

    /// Ends the run by force.
    pub(crate) fn abandon(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.python.close();
        self.end_by(Instant::now());
    }

    fn is_urgent(&self, request: &CloseRequest) -> bool {
        request.interrupted || self.cancel.is_set()
    }

    /// Waits for the engine's answer to `finish`. on-run-end hooks may take any time unless the
    /// user interrupts them.
    fn finish(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        let deadline = self.is_urgent(request).then(|| self.cancel.deadline());
        match self.engine().finish(request, deadline) {
            Some(Ok(response)) => Ok(response),
            Some(Err(AskError::Lost(error)))
                if error.code == INTERRUPTED || request.interrupted =>
            {
                Ok(CloseResponse::default())
            }
            Some(Err(error)) => Err(error.into()),
            None => Ok(CloseResponse::default()),
        }
    }

    fn end_by(&self, deadline: Instant) {
        self.engine().hang_up();
        self.python.end_builds_by(deadline);
        self.engine().end_by(deadline);
        self.python.end_by(deadline.min(Instant::now() + IDLE));
        self.run_dir.remove();
    }
}
