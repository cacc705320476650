//! Reporters, and the front through which many threads send them events.

use std::io::{self, Write};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::{Mutex, MutexGuard};

use crate::event::{EventKind, RunEvent};
use crate::graph::ProjectGraph;
use crate::printed::Printer;

/// Receives the events of a run.
pub trait Reporter: Send {
    /// Looks at the project, before the event of the run's start.
    fn project(&mut self, _project: &dyn ProjectGraph) {}

    /// Handles an event.
    fn event(&mut self, event: &RunEvent);

    /// Ends after the last event. Returns what went wrong on the way; a reader that went away is no error.
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Reporter + ?Sized> Reporter for Box<R> {
    fn project(&mut self, project: &dyn ProjectGraph) {
        (**self).project(project);
    }

    fn event(&mut self, event: &RunEvent) {
        (**self).event(event);
    }

    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }
}

/// A reporter that its owner reads after the run.
impl<R: Reporter> Reporter for Arc<Mutex<R>> {
    fn project(&mut self, project: &dyn ProjectGraph) {
        lock(self).project(project);
    }

    fn event(&mut self, event: &RunEvent) {
        lock(self).event(event);
    }

    fn finish(&mut self) -> io::Result<()> {
        lock(self).finish()
    }
}

/// All reporters of a run. Any thread may send events; all reporters get them one at a time, in the same
/// order.
#[derive(Default)]
pub struct Reporters {
    all: Mutex<Vec<Box<dyn Reporter>>>,
}

impl Reporters {
    /// Creates a set without reporters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reporter.
    pub fn add(&self, reporter: impl Reporter + 'static) {
        lock(&self.all).push(Box::new(reporter));
    }

    /// Shows the project to all reporters.
    pub fn project(&self, project: &dyn ProjectGraph) {
        lock(&self.all)
            .iter_mut()
            .for_each(|reporter| reporter.project(project));
    }

    /// Sends an event of this kind and time to all reporters.
    pub fn emit(&self, at: Timestamp, kind: EventKind) {
        self.event(&RunEvent::new(at, kind));
    }

    /// Sends an event to all reporters.
    pub fn event(&self, event: &RunEvent) {
        lock(&self.all)
            .iter_mut()
            .for_each(|reporter| reporter.event(event));
    }

    /// Ends all reporters, and returns the first error.
    pub fn finish(&self) -> io::Result<()> {
        lock(&self.all)
            .iter_mut()
            .map(Reporter::finish)
            .fold(Ok(()), io::Result::and)
    }
}

/// Locks the reporters even after a panic: the panicking reporter lost one event, but the others
/// must get the next one.
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

    /// Writes complete lines in one piece, so that no other output comes between them.
    pub(crate) fn write(&mut self, text: &str) {
        let Some(printer) = &mut self.printer else {
            return;
        };
        if text.is_empty() {
            return;
        }
        if let Err(error) = printer.print(text) {
            self.printer = None;
            // The reader closed the pipe (`fal-host run | head`). The run goes on without it.
            self.error = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        }
    }

    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }
}
