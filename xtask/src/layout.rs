//! The paths of the repository.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The plugins that ship with fal-host as libraries.
pub(crate) const PLUGINS: [&str; 6] = [
    "fal_command_runner",
    "fal_dbt_backend",
    "fal_notebook_parser",
    "fal_python_parser",
    "fal_python_parser_ruff",
    "fal_stub_writer",
];

/// The plugins that ship with fal-host as programs: folders below `plugins`.
pub(crate) const PROGRAMS: [&str; 1] = ["fal-ray-runner"];

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The project that the README shows.
pub(crate) fn example() -> PathBuf {
    root().join("examples/jaffle_shop")
}

/// The Python side of the dbt backend.
pub(crate) fn worker() -> PathBuf {
    root().join("plugins/fal-dbt-backend/python")
}

/// Returns cargo's target folder.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Returns a file of the release build: fal-host, with its plugins beside it.
pub(crate) fn release(file: &str) -> PathBuf {
    target().join("release").join(file)
}
