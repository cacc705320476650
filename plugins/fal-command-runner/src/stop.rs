//! Waits in a session: for an event, for a deadline, or for the interruption that ends both.

use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// A session's stop flag, with a condition variable that is notified of every change.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The awaited condition holds.
    Reached,
    /// The session is stopping.
    Stopped,
    /// The deadline has passed.
    TimedOut,
}

impl Stop {
    /// Stops the session, which ends all waits.
    pub(crate) fn raise(&self) {
        *self.raised.lock() = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_raised(&self) -> bool {
        *self.raised.lock()
    }

    /// Makes all waiting threads check their condition again. Call it after changing what a
    /// condition reads.
    pub(crate) fn ring(&self) {
        // A thread that has checked its condition but does not sleep yet holds the lock. Without
        // this, it would miss the notification.
        drop(self.raised.lock());
        self.changed.notify_all();
    }

    /// Waits until `reached` returns true, the deadline passes or the session stops.
    pub(crate) fn wait(&self, deadline: Option<Instant>, reached: impl Fn() -> bool) -> Waited {
        self.sleep(deadline, true, reached)
    }

    /// Waits until `reached` returns true or the deadline passes, even if the session stops.
    /// Returns whether the condition holds.
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
