//! The plugin door: loads a library, or starts a plugin that is a process of its own, and checks it in order.
//!
//! The host and the test kit of plugin authors go through this one door, so that what the kit finds good loads. Behind it
//! the two kinds are one: a [`LoadedPlugin`] whose stages are called by a `Transport`.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod config;
mod error;
mod library;
mod plugin;
mod process;
mod timeouts;
mod truncated;
mod watch;

pub use config::{check as check_config, check_schema};
pub use error::{LoadError, OpenError};
pub use library::{OpenStage, fits};
pub use plugin::{Kind, LoadOptions, LoadedPlugin, Log};
#[cfg(unix)]
pub use process::serve_library;
pub use process::{Fault, ProcessError, end_all};
pub use timeouts::Timeouts;
pub use watch::{Hang, on_hang, under_way};
