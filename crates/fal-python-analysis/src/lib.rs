//! Finds what a Python model depends on and how often it writes, over a syntax tree that is
//! independent of the parser.
//!
//! A parser plugin lowers its own tree into [`tree::Tree`], with the macro [`lowering`] if that tree
//! has the names of CPython's, and calls [`analyse`], so that all parsers agree.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod analyse;
mod binding;
mod builtin;
mod context;
mod cost;
mod culprit;
mod dependency;
mod enclosing;
mod evaluate;
mod flow;
mod imports;
mod kind;
mod lowering;
mod misplaced;
mod names;
mod newline;
mod position;
mod scope;
mod stack;
mod syntax;
pub mod tree;
mod value;

pub use analyse::analyse;
#[cfg(debug_assertions)]
#[doc(hidden)]
pub use cost::steps;
pub use newline::Newlines;
pub use position::Lines;
pub use stack::with_stack;
pub use syntax::{check_config, syntax_error};
pub use value::decimal;
