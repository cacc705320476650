//! Brings the user's Ctrl-C to everything that works.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

/// A flag that is raised once, and its listeners.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Inner>);

type Listener = Box<dyn Fn() + Send>;

#[derive(Default)]
struct Inner {
    raised: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
}

impl Interrupt {
    /// Creates a flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag and calls the listeners. Returns whether it was raised before.
    pub fn raise(&self) -> bool {
        let again = self.0.raised.swap(true, Ordering::SeqCst);
        if !again {
            self.0
                .listeners
                .lock()
                .iter()
                .for_each(|listener| listener());
        }
        again
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.0.raised.load(Ordering::SeqCst)
    }

    /// Calls `listener` when the flag is raised, at once if it is already.
    pub fn listen(&self, listener: impl Fn() + Send + 'static) {
        let mut listeners = self.0.listeners.lock();
        if self.is_raised() {
            listener();
        }
        listeners.push(Box::new(listener));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn every_listener_hears_it_once() {
        let (interrupt, heard) = (Interrupt::new(), Arc::new(AtomicU32::new(0)));
        let listen = || {
            let heard = Arc::clone(&heard);
            interrupt.listen(move || _ = heard.fetch_add(1, Ordering::SeqCst));
        };
        listen();
        assert!(!interrupt.raise());
        assert!(interrupt.raise());
        listen();
        assert_eq!(heard.load(Ordering::SeqCst), 2);
    }
}
