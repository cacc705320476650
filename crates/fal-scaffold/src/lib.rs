//! What `fal-host plugin new` writes: a plugin outside of any workspace that builds, keeps the contract of its stage and runs an
//! example project at once.
//!
//! `templates` holds the code, one folder a stage, named `my-plugin` and otherwise as authors get it, and the files that all plugins
//! share. They are compiled into the program. This crate fills in the name and the place of the interface, and writes the folder
//! whole or not at all.

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
