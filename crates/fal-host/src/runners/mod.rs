//! Runners: execution backends that have machines but no data.
//!
//! [`Routing`] decides by `--runner`, `meta` and the routes of fal_project.yml. [`RunnerPlugins`] loads the plugins that the selected
//! models need, [`RunnerSessions`] opens their sessions. `run/lending.rs` lends, runs and settles one model.

mod check;
mod error;
mod plugins;
mod routing;
mod runner;
mod sessions;

pub(crate) use check::runner_problems;
pub use check::{route_runners, runner_version};
pub use error::RunnerError;
pub(crate) use plugins::RunnerPlugins;
pub(crate) use routing::Routing;
pub(crate) use runner::Runner;
pub(crate) use sessions::RunnerSessions;
