//! Creates plugins for `fal-host plugin new`, and the project of `fal-host init --example`.
//!
//! A new plugin is outside of any workspace. It builds, passes the contract of its stage and runs an
//! example project right away.
//!
//! `templates` has one folder of code per stage, and the files that all plugins share. The code is
//! as authors get it, except that the plugin is called `my-plugin`. The templates are compiled into
//! the program. This crate fills in the name and the location of the interface, and writes the
//! folder completely or not at all.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod error;
mod example;
mod interface;
mod name;
mod scaffold;
mod template;
mod write;

pub use error::ScaffoldError;
pub use example::{EXAMPLE, write_example};
pub use interface::Interface;
pub use name::PluginName;
pub use scaffold::{Language, Scaffold};
