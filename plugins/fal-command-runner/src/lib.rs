//! Execution backend plugin: Python models by any command, on any machine that it reaches.
//!
//! A platform has a way of starting a program elsewhere: `ssh`, `kubectl run`, `docker run`, `sbatch --wait`, its own tool. This plugin
//! starts it with the lease's script, once for each node, waits for it, and says how it ended. Data, output and the model's own
//! account of its end take the way of the gateway; the command only has to bring a script to a Python.
//!
//! From the outside in: [`CommandRunner`] reads its configuration (`config`, `template`) and opens a session (`session`); the session makes
//! a plan of a node (`node`, `plan`, `values`), and tries it (`attempt`, `retry`) with a bundle (`bundle`) and a process (`process`, `guard`,
//! `leftover`), whose end it explains (`end`).

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod attempt;
mod backend;
mod bundle;
mod config;
mod end;
mod error;
mod node;
mod plan;
mod process;
mod quote;
mod retry;
mod session;
mod settings;
mod shared;
mod span;
mod stop;
mod template;
mod values;
mod variables;
mod words;

pub use backend::CommandRunner;
pub use config::Config;

fal_plugin::export_plugin! {
    description: "Runs Python models by any command: ssh, kubectl, docker, sbatch",
    config_schema: CommandRunner::config_schema,
    execution_backend: CommandRunner::new,
}
