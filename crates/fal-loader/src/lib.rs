//! Loads plugins: a library into this process, or a program as a separate process. Checks each
//! plugin step by step before using it.
//! // The host and the test kit for plugin authors both use this crate, so a plugin that passes the
//! kit also loads in the host. Both kinds of plugin give a [`LoadedPlugin`], whose stages are
//! called through a `Transport`.

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
