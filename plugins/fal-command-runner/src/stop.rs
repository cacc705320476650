//! Waiting, for all that one session does: for ends, for times, and for the interruption that cuts both short.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// Whether the session is to end, and a bell that rings whenever something has changed.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// What was waited for is there.
    Reached,
    /// The session is to end.
    Stopped,
    /// The time is up.
    TimedOut,
}

impl Stop {
    /// Ends all waits.
    pub(crate) fn raise(&self) {
        *self.raised.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_raised(&self) -> bool {
        *self.raised.lock()
    }

    /// Lets all who wait look again. To be called when what they look at has changed.
    pub(crate) fn ring(&self) {
        // Whoever has looked, but does not sleep yet, holds the lock.
        drop(self.raised.lock());
        self.changed.notify_all();
    }

    /// Waits until `reached`, the deadline or the interruption.
    pub(crate) fn wait(&self, deadline: Option<Instant>, reached: impl Fn() -> bool) -> Waited {
        self.sleep(deadline, true, reached)
    }

    /// Waits until `reached` or the deadline, interrupted or not. Says whether it was reached.
    pub(crate) fn wait_anyway(&self, deadline: Instant, reached: impl Fn() -> bool) -> bool {
        self.sleep(Some(deadline), false, reached) == Waited::Reached
    }

    fn sleep(
        &self,
        deadline: Option<Instant>,
        may_stop: bool,
        reached: impl Fn() -> bool,
    ) -> Waited {
        let mut raised = self.raised.lock();
        loop {
            if reached() {
                return Waited::Reached;
            }
            if *raised && may_stop {
                return Waited::Stopped;
            }
            match deadline {
                None => self.changed.wait(&mut raised),
                Some(deadline) if deadline <= Instant::now() => return Waited::TimedOut,
                Some(deadline) => _ = self.changed.wait_until(&mut raised, deadline),
            }
        }
    }
}
