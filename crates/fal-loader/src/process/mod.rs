//! A plugin that is a process of its own: started, spoken to in frames, and ended with all that it started.

mod call;
mod fault;
mod own;
mod reader;
#[cfg(unix)]
mod serve;
mod start;
mod transport;

pub use fault::{Fault, ProcessError};
pub use own::end_all;
#[cfg(unix)]
pub use serve::serve_library;

pub(crate) use own::Process;
pub(crate) use start::start;
pub(crate) use transport::{open, stage};
