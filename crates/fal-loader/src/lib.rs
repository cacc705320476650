//! Loads a plugin's library: every check of the plugin door, in order.
//!
//! The host and the test kit of plugin authors go through this one door, so that what the kit finds good loads.

mod config;
mod error;
mod library;

pub use config::{check as check_config, check_schema};
pub use error::{LoadError, OpenError};
pub use library::{LoadedLibrary, OpenStage, fits};
