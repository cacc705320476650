//! Shared by the end-to-end tests: projects in temporary folders, runs of the `fal-host` binary
//! over them, and checks from
//! outside of the files, processes, artifacts and tables that a run leaves.
//!
//! The binary and the plugins that ship with it are built by `cargo build` (or named by `FAL_TEST_HOST`); the foreign
//! plugins of `tests/plugins` are built into a separate target folder. Tests over dbt need
//! `FAL_TEST_DBT_PYTHON`, a
//! Python with dbt-duckdb, dbt-postgres, pandas, polars and pyarrow, some `FAL_TEST_POSTGRES`, the address of a PostgreSQL server, and
//! one `FAL_TEST_RAY_PYTHON`, a Python with ray, pandas and pyarrow; `cargo xtask test` makes all of them.

mod built;
mod collector;
mod deadline;
mod ended;
mod page;
mod processes;
mod project;
mod python;
mod redact;
mod running;
mod tree;
mod warehouse;
mod wheel;

pub use built::{foreign_plugin, host, workspace};
pub use collector::{Collector, Received, Span};
pub use deadline::{PATIENCE, wait_until};
pub use ended::Ended;
pub use page::{Block, Page, Typed};
pub use processes::survivors;
pub use project::{Args, Project};
pub use python::{dbt_python, dbt2_folder, dbt2_python, python};
pub use redact::redact;
pub use running::Running;
pub use tree::{Tree, tree};
pub use wheel::{Environment, PLUGINS, wheel, wheel_of_host};
