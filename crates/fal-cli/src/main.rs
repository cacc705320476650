//! The `fal-host` command.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

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
