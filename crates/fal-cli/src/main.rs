//! The `fal-host` command.

mod args;
mod commands;
mod complaint;
mod error;
mod exit;
mod legacy;
mod output;
mod signals;
mod state;
mod unlogged;
mod vars;
mod word_order;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
