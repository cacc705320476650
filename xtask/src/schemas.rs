//! `cargo xtask schemas`: writes docs/plugins/schemas, docs/plugins/reference.md and
//! docs/plugins/contract.md from the plugin interface and its test kit.

use crate::{
    error::Result,
    program::{self, cargo},
};

/// Runs the tests that compare the files, and lets them write the files.
pub(crate) fn run() -> Result<()> {
    let packages = ["--package", "fal-plugin", "--package", "fal-plugin-testkit"];
    let mut command = cargo("test --quiet --test schemas --test reference");
    command.args(packages);
    program::run(command.env("FAL_WRITE_SCHEMAS", "1"))
}
