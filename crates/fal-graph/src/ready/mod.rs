//! The ready-set: which node may start now, and what is skipped when one fails. Pure: the caller owns time and threads.
//!
//! Nodes outside of the selection, and nodes that do nothing (ephemeral SQL), are never handed out but carry the
//! order: if `a -> b -> c` and `b` is one of them, `c` still waits for `a`, and is skipped when `a` fails.

mod heap;
mod outcome;
mod priority;
mod schedule;
#[cfg(test)]
mod tests;

pub use outcome::{Duration, Outcome, ScheduleOptions, SkipCause, Skipped, Step};
pub use schedule::Schedule;
