//! Builds the Python environments that projects define, once each, and keeps them in the user's
//! cache by their content, shared by all projects.
//!
//! A [`Definition`] is what `fal_project.yml` says, in a normal form. With the default interpreter
//! ([`Base`]) it gives a [`Key`]; equal definitions have one key whatever their names, and one
//! folder in the [`Cache`]. An [`EnvironmentBuilder`] returns the environment of a definition, and
//! builds it first if it is missing: one process at a time for each key, by lock files. The result
//! ([`Ready`]) cannot be removed while it is held.
//!
//! An environment is built where it stays, since its scripts name their interpreter by its whole
//! path, and its marker is written last: a folder without the marker is half an environment, and
//! the next build begins by removing it.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod base;
mod builder;
mod cache;
mod conda;
mod definition;
mod error;
mod folder;
mod imports;
mod installer;
mod interpreter;
mod key;
mod local;
mod lock;
mod modules;
mod program;
mod requirement;
mod requirements_file;
mod stop;
mod uses;
mod venv;

pub use base::Base;
pub use builder::{EnvironmentBuilder, Ready, Step, each_of};
pub use cache::{Cache, Entry, Removal, State};
pub use definition::Definition;
pub use error::EnvironmentError;
pub use interpreter::find as find_interpreter;
pub use key::Key;
pub use modules::packages_of_module;
pub use program::{all_on_path, is_program};
pub use stop::Stop;
pub use uses::Use;

/// The reserved name for the Python that runs dbt.
pub const LOCAL: &str = "local";
