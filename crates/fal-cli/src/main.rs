//! The `fal-host` command.

mod args;
mod commands;
mod error;
mod exit;
mod output;
mod signals;
mod vars;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
