//! Runners: execution backends that have machines but no data. Which Python model goes to which of them, and their sessions.
//!
//! [`Routing`] decides by `--runner`, `meta` and the routes of fal_project.yml. [`Muster`] loads the plugins that the selected
//! models need, [`Fleet`] opens their sessions. How one model is lent, run and settled stands in `run/lending.rs`.

mod check;
mod error;
mod fleet;
mod muster;
mod placements;
mod routing;
mod runner;

pub(crate) use check::runner_problems;
pub use check::{route_runners, runner_version};
pub use error::RunnerError;
pub(crate) use fleet::Fleet;
pub(crate) use muster::Muster;
pub(crate) use placements::{is_python, placements};
pub(crate) use routing::Routing;
pub(crate) use runner::Runner;
