//! Those who listen to a run, and the front through which many threads tell them.

use std::io::{self, Write};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::event::{EventKind, RunEvent};
use crate::printed::Printer;

/// Someone who listens to a run.
pub trait Reporter: Send {
    /// Something happened.
    fn event(&mut self, event: &RunEvent);

    /// Nothing more will happen. Says what went wrong on the way; a reader that went away is no error.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Reporter + ?Sized> Reporter for Box<R> {
    fn event(&mut self, event: &RunEvent) {
        (**self).event(event);
    }

    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }
}

/// A reporter whose findings its owner wants to read afterwards.
impl<R: Reporter> Reporter for Arc<Mutex<R>> {
    fn event(&mut self, event: &RunEvent) {
        lock(self).event(event);
    }

    fn finish(&mut self) -> io::Result<()> {
        lock(self).finish()
    }
}

/// All reporters of a run. Any thread may tell them; they hear events one at a time, all in the same order.
#[derive(Default)]
pub struct Reporters {
    all: Mutex<Vec<Box<dyn Reporter>>>,
}

impl Reporters {
    /// Nobody listens.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more listens.
    pub fn add(&self, reporter: impl Reporter + 'static) {
        lock(&self.all).push(Box::new(reporter));
    }

    /// Tells all that something happened at this time.
    pub fn emit(&self, at: Timestamp, kind: EventKind) {
        self.event(&RunEvent::new(at, kind));
    }

    /// Tells all.
    pub fn event(&self, event: &RunEvent) {
        lock(&self.all)
            .iter_mut()
            .for_each(|reporter| reporter.event(event));
    }

    /// Ends all, and gives the first error.
    pub fn finish(&self) -> io::Result<()> {
        lock(&self.all)
            .iter_mut()
            .map(Reporter::finish)
            .fold(Ok(()), io::Result::and)
    }
}

/// A reporter that panicked has lost one event; the others shall hear the next.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

/// A printer that stops at the first failure and remembers it.
pub(crate) struct Sink {
    printer: Option<Printer>,
    error: Option<io::Error>,
}

impl Sink {
    pub(crate) fn new(writer: Box<dyn Write + Send>, styled: bool) -> Self {
        Self {
            printer: Some(Printer::new(writer, styled)),
            error: None,
        }
    }

    /// Writes whole lines at once, so that nothing comes between them.
    pub(crate) fn write(&mut self, text: &str) {
        let Some(printer) = &mut self.printer else {
            return;
        };
        if text.is_empty() {
            return;
        }
        if let Err(error) = printer.print(text) {
            self.printer = None;
            // The reader had enough (`fal-host run | head`): the run goes on without it.
            self.error = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        }
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }
}
