//! Format, lints and documentation.

use crate::{
    error::Result,
    layout,
    program::{self, cargo, tell},
};

/// Runs them all, the quickest first.
pub(super) fn run() -> Result<()> {
    program::run(&mut cargo(["fmt", "--all", "--check"]))?;
    program::run(&mut cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    program::run(cargo(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    licences()
}

/// Licences and sources of what we depend on; the advisories need the network and are not asked.
fn licences() -> Result<()> {
    if !program::works(program::program("cargo-deny", layout::root()).arg("--version")) {
        tell("cargo-deny is not installed: licences of dependencies are not checked");
        return Ok(());
    }
    program::run(&mut cargo(["deny", "--offline", "--log-level", "error", "check", "bans", "licenses", "sources"]))
}
