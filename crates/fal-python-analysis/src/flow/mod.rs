//! Counts calls of `write_to_model` along control flow.
//!
//! Every statement has a [`Flow`](outcome::Flow): for each way in which it can end (normally,
//! `break`, `return`, an exception, ...) how many calls were made until then. Sequences add,
//! branches join, loops repeat. Two maxima are kept: one over all paths that are possible, one over
//! the paths that the text spells out. Only the second makes an error: a path through an exception
//! that might be raised, a callback or a name that hides `write_to_model` counts only for the
//! first, and the run itself decides there.

mod block;
mod condition;
mod exclusive;
mod expression;
mod function;
mod indirect;
mod outcome;
mod paths;
mod repeat;
mod try_block;
mod verdict;
mod walker;

pub(crate) use verdict::{Counted, count};
