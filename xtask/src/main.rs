//! The project's automation: `cargo xtask demo`, `cargo xtask test`, `cargo xtask bench`, `cargo
//! xtask matrix`, `cargo xtask schemas`, `cargo xtask release`, `cargo xtask dist DIR`, `cargo xtask
//! wheel`.
//!
//! Nothing here is part of fal-host. Each command is a module; what they share is the repository's
//! layout (`layout`), the running of other programs (`program`) and the Python environment
//! (`python`, `venv`).

mod args;
mod bench;
mod dbt2;
mod demo;
mod dist;
mod error;
mod interface;
mod layout;
mod matrix;
mod program;
mod python;
mod release;
mod schemas;
mod site;
mod test;
mod venv;
mod wheel;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Matrix(args) => matrix::run(&args),
        Command::Schemas => schemas::run(),
        Command::Site => site::run(),
        Command::Pictures => site::pictures(),
        Command::Release => release::run(),
        Command::Dist { dir } => dist::run(&dir),
        Command::Wheel(args) => wheel::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            program::tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}
