//! What `fal-host plugin new` writes: a plugin outside of any workspace that builds, keeps the contract of its stage and runs an
//! example project at once.
//!
//! The plugins themselves are in `templates`, one folder each, named `my-plugin` and otherwise as their authors get them; files that
//! all of them share are in `templates/common`. They are compiled into the program. Here is what puts a name and the place of
//! the interface into them, and writes the folder whole or not at all.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod error;
mod interface;
mod name;
mod scaffold;
mod template;
mod write;

pub use error::ScaffoldError;
pub use interface::Interface;
pub use name::PluginName;
pub use scaffold::{Language, Scaffold};
