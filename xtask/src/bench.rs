//! `cargo xtask bench`: measures fal-host and other tools on the same work, in one run.
//!
//! The measurements are the Python package `bench`; this module prepares what they need.

use std::fs;

use clap::ValueEnum;

use crate::{
    args::{BenchArgs, BenchPart},
    dbt2, demo,
    error::{At, Result, XtaskError},
    layout,
    program::{self, cargo},
    test::{REQUIREMENTS, Server},
    venv,
};

/// Measures and prints a table.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    program::run(&mut cargo("build --release"))?;
    let folder = layout::target().join("bench");
    fs::create_dir_all(&folder).at(&folder)?;
    let scratch = tempfile::tempdir_in(&folder).at(&folder)?;
    let wants = |part| args.only.is_empty() || args.only.contains(&part);
    let needs_server = wants(BenchPart::Postgres) || wants(BenchPart::Bulk);
    let venv = venv::with(if needs_server {
        REQUIREMENTS
    } else {
        demo::REQUIREMENTS
    })?;
    let server = needs_server.then(|| Server::start(&venv)).transpose()?;

    let package = layout::root().join("xtask");
    let mut command = program::program(venv.python(), &package);
    command.args(["-B", "-m", "bench"]);
    for (flag, number) in [
        ("--runs", args.runs.into()),
        ("--rows", args.rows),
        ("--bulk-rows", args.bulk_rows),
        ("--files", args.files),
    ] {
        command.arg(flag).arg(number.to_string());
    }
    command.arg("--host").arg(layout::release("fal-host"));
    command.arg("--scratch").arg(scratch.path());
    if let Some(server) = &server {
        command.args(["--server", server.address(), "--socket", &server.host()]);
    }
    if wants(BenchPart::Dbt2) {
        match dbt2::missing() {
            None => {
                let python = dbt2::environment()?.python();
                command.arg("--dbt2-python").arg(python);
            }
            Some(why) => return Err(XtaskError::NoDbt2 { why }),
        }
    }
    let parts = args.only.iter().filter_map(ValueEnum::to_possible_value);
    command.args(parts.map(|part| part.get_name().to_owned()));
    program::run(&mut command)
}
