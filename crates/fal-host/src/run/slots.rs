//! Slots that threads wait for.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A number of slots that all clones share.
#[derive(Clone)]
pub(super) struct Slots(Arc<(Mutex<usize>, Condvar)>);

/// A slot in use. Dropping it returns the slot.
pub(super) struct Slot<'a>(&'a Slots);

impl Slots {
    /// Creates this many slots, at least one.
    pub(super) fn new(number: usize) -> Self {
        Self(Arc::new((Mutex::new(number.max(1)), Condvar::new())))
    }

    /// Waits for a slot.
    pub(super) fn take(&self) -> Slot<'_> {
        let (free, given_back) = &*self.0;
        let mut free = free.lock();
        given_back.wait_while(&mut free, |free| *free == 0);
        *free -= 1;
        Slot(self)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let (free, given_back) = &*self.0.0;
        *free.lock() += 1;
        given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn no_more_than_there_are_are_taken_at_once_and_all_get_one() {
        let (slots, taken, ended) = (Slots::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let slot = slots.take();
                    assert!(taken.fetch_add(1, Ordering::SeqCst) < 2);
                    thread::yield_now();
                    taken.fetch_sub(1, Ordering::SeqCst);
                    drop(slot);
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(ended.load(Ordering::SeqCst), 16);
    }
}
