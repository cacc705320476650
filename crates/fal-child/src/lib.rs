//! What every execution backend that starts processes has to do with them: read their output line by line, keep the last
//! lines for a message, say how they ended, and end what they leave behind.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod leftover;
mod line;
mod signal;
mod tail;

pub use leftover::sweep;
pub use line::{LONGEST, each_line};
pub use signal::signal_name;
pub use tail::Tail;
