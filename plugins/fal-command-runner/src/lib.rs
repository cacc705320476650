//! Execution backend plugin that runs Python models by any command, on any machine that the
//! command reaches.
//!
//! Every platform has a command that starts a program elsewhere: `ssh`, `kubectl run`,
//! `docker run`, `sbatch --wait` or its own tool. This plugin starts that command with the lease's
//! script, once for each node, waits for it and reports how it ended. Data, output and the model's
//! own result go through the gateway; the command only has to bring the script to a Python.
//!
//! From the outside in: [`CommandRunner`] reads its configuration (`config`, `template`) and opens
//! a session (`session`). The session plans each node (`node`, `plan`, `values`) and attempts it
//! (`attempt`, `retry`) with a bundle (`bundle`) and a process (`process`), whose end it describes
//! (`end`).

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
