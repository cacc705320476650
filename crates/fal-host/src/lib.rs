//! The host: loads the plugins, builds the graph, selects, runs and reports.
//!
//! [`Project::open`] finds the project and decides on its plugins; [`Project::generate`] parses the models
//! and writes their stubs; [`run`] runs the graph. The host implements no stage itself: parsing, writing
//! stubs and running nodes come from [`plugins`].

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod dbt_command;
mod error;
mod faults;
mod hooks;
mod inspect;
mod interrupt;
mod last_results;
mod lineage;
mod manifest;
pub mod plugins;
mod project;
mod python_models;
mod run;
mod runners;
mod scripts;
mod session;

pub use dbt_command::DbtCommand;
pub use error::HostError;
pub use faults::source_problems;
pub use hooks::{HooksError, HooksOptions, hooks};
pub use inspect::{Graph, check, examine, graph};
pub use interrupt::Interrupt;
pub use project::{Project, ProjectArgs};
pub use run::{PythonShow, Retry, RetryError, RunOptions, RunOutcome, ShowEnded, Shown, run};
pub use runners::{RunnerError, route_runners, runner_version};
