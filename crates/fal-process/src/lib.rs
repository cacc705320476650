//! Starts, watches and ends child processes, for every crate that has some.
//!
//! [`Group`] is a child with everything that stays in its process group. [`Process`] adds threads that wait for its end
//! and read its output. [`output`] runs a program that answers one question. A [`Mark`] also finds what left the group.
//!
//! The crates `process-wrap` and `shared_child` would not shorten this. `process-wrap` needs `&mut` both to wait and to
//! kill, so one thread cannot kill while another waits; `shared_child` knows no groups, and reaps the leader before the
//! rest of its group can be killed safely.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod group;
mod lines;
mod process;
mod signal;
mod sweep;
mod tail;

pub use group::{Group, output, own_group, own_session};
pub use lines::{LONGEST, each_line};
pub use process::{Listener, Process, Stream};
pub use signal::{ending, signal_name};
pub use sweep::Mark;
pub use tail::Tail;
