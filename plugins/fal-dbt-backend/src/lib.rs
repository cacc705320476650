//! Execution backend plugin: a dbt session, Python runners and the data gateway.
//!
//! This crate is the supervisor: it owns a dbt session process and the processes in which Python
//! models run, and speaks the protocol of `docs/notes/worker-protocol.md` with them. Their code is
//! the Python package `python/fal_worker`, which is embedded here.
//!
//! From the outside in: [`DbtBackend`] opens a [`DbtSession`], which handles the host's requests
//! for one run (`run`). It hands dbt's nodes to the engine (`engine`, `dbt`). Python models,
//! scripts and unit tests (`node`) run as jobs that are forked from warm processes (`python`). The
//! session and the warm processes are child processes (`process`) with a message channel
//! (`channel`). Nodes that other backends run are lent (`lease`).

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod assets;
mod backend;
mod cancel;
mod channel;
mod command_line;
mod commands;
mod config;
mod dbt;
mod engine;
mod error;
mod lease;
mod node;
mod process;
mod python;
mod result;
mod run;
mod run_dir;
mod session;

pub use backend::DbtBackend;
pub use config::Config;
pub use session::DbtSession;

fal_plugin::export_plugin! {
    description: "Runs SQL with dbt and Python models in processes of their own",
    config_schema: DbtBackend::config_schema,
    execution_backend: DbtBackend::new,
}
