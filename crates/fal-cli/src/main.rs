//! The `fal-host` command.

mod args;
mod commands;
mod complaint;
mod error;
mod exit;
mod hang;
mod output;
mod signals;
mod unlogged;
mod vars;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
