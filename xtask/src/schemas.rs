//! `cargo xtask schemas`: writes the pages and schemas that are made from the code: those in
//! docs/plugins from the plugin interface and its test kit, those in docs/reference from the command
//! line and from fal_project.yml.

use crate::{
    error::Result,
    program::{self, cargo},
};

/// Tests that compare the files.
const TESTS: [&str; 3] = [
    "test --quiet -p fal-plugin -p fal-plugin-testkit --test schemas --test reference",
    "test --quiet -p fal-cli --bin fal-host reference",
    "test --quiet -p fal-project --lib reference",
];

/// Runs the tests, and lets them write the files.
pub(crate) fn run() -> Result<()> {
    TESTS
        .iter()
        .try_for_each(|words| program::run(cargo(words).env("FAL_WRITE_SCHEMAS", "1")))
}
