//! Execution backend plugin: a dbt session, Python runners and the data gateway.
//!
//! This crate is the supervisor: it owns a dbt session process and the processes in which Python
//! models run, and speaks the protocol of `docs/notes/worker-protocol.md` with them. Their code is
//! the Python package `python/fal_worker`, which is embedded here.
//!
//! From the outside in: [`DbtBackend`] opens a [`DbtSession`]; the session hands dbt's nodes to the dbt process
//! (`dbt`), Python models and scripts to jobs (`python_node`, `script_node`, `unit_test_node`, `gateway_job`, `job`) forked from warm processes (`zygote`, `zygotes`); all
//! of them are child processes (`process`) with a message channel (`channel`). What other backends run is lent (`lease`).

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod assets;
mod backend;
mod cancel;
mod channel;
mod close;
mod config;
mod dbt;
mod door;
mod environments;
mod error;
mod gateway_job;
mod job;
mod job_end;
mod jobs;
mod last_needed;
mod lease;
mod native_job;
mod packages;
mod process;
mod python_node;
mod run;
mod run_dir;
mod script_node;
mod session;
mod unit_test_node;
mod zygote;
mod zygotes;

pub use backend::DbtBackend;
pub use config::Config;
pub use session::DbtSession;

fal_plugin::export_plugin! {
    description: "Runs SQL with dbt and Python models in processes of their own",
    config_schema: DbtBackend::config_schema,
    execution_backend: DbtBackend::new,
}
