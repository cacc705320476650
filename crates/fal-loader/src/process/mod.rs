//! Plugins in separate processes. The host starts such a process, exchanges frames with it, and
//! ends it with all its descendants.

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
