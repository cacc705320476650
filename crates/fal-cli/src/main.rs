//! The `fal-host` command.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod args;
mod commands;
mod context;
mod drop_in;
mod error;
mod exit;
mod output;
mod signals;
mod usage;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
