//! The engine that runs the `dbt` program: dbt 2, and any dbt that cannot be driven from the inside.
//!
//! [`CommandEngine`] reads the project from dbt's manifest (`manifest`, `project`), which dbt writes
//! anew only if the project has changed (`parsed`). The host asks for single nodes. The schedule
//! (`schedule`) puts as many as possible into each call of dbt (`plan`, `arguments`, `call`), reports
//! nodes as dbt's log says that they ended (`events`), and trusts no call further than its results go
//! (`outcome`, `run_results`).
//!
//! Hooks of the run are run once, although each call would run them (`run_hooks`, `of_calls`).
//!
//! A Python process is started only for a run with Python nodes, scripts or hooks. It serves their
//! jobs, and knows the project by the manifest and the settings that it gets from here. On a database
//! that only one process can open, jobs and dbt take turns (`turns`).

mod arguments;
mod call;
mod calls;
mod checks;
mod choice;
mod copied;
mod engine;
mod events;
mod manifest;
mod materialized;
mod of_calls;
mod outcome;
mod parsed;
mod places;
mod plan;
mod project;
mod run_hooks;
mod run_results;
mod schedule;
mod settings;
mod state;
mod turns;
mod worker;

pub(crate) use choice::{asks_for_commands, choose, find_program, Choice, IN_DBT};
pub(crate) use engine::CommandEngine;
