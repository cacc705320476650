//! `cargo xtask bench`: measures fal-host and other tools on the same work, in one run.
//!
//! Prints a table with the aims and never fails: the machine may be busy.

mod bulk;
mod call;
mod data;
mod generate;
mod graph;
mod memory;
mod runs;
mod sql_runs;
mod table;
mod timing;
mod twins;

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::{
    args::{BenchArgs, BenchPart},
    demo,
    error::{At, Result},
    layout,
    program::{self, say, tell},
    venv::{self, Venv},
};
use table::Table;

/// The parts that the measurements share.
struct Bench<'a> {
    args: &'a BenchArgs,
    venv: Venv,
    host: PathBuf,
    scratch: TempDir,
}

/// Measures and prints.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    program::run(&mut program::cargo(["build", "--release"]))?;
    let folder = layout::target().join("bench");
    fs::create_dir_all(&folder).at(&folder)?;
    let bench = Bench {
        args,
        venv: venv::with(demo::REQUIREMENTS)?,
        host: layout::release("fal-host"),
        scratch: tempfile::tempdir_in(&folder).at(&folder)?,
    };
    let mut table = Table::default();
    for (part, measure) in PARTS {
        if args.only.is_empty() || args.only.contains(&part) {
            tell(&format!("\n==> {part:?}"));
            measure(&bench, &mut table)?;
        }
    }
    say(&format!("{}\n\n{table}", machine(args)));
    Ok(())
}

type Measure = fn(&Bench<'_>, &mut Table) -> Result<()>;

const PARTS: [(BenchPart, Measure); 7] = [
    (BenchPart::Run, runs::measure),
    (BenchPart::Postgres, sql_runs::measure),
    (BenchPart::Data, data::measure),
    (BenchPart::Bulk, bulk::measure),
    (BenchPart::Generate, generate::measure),
    (BenchPart::Graph, graph::measure),
    (BenchPart::Call, call::measure),
];

fn machine(args: &BenchArgs) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    format!(
        "Medians of {} rounds, {cores} cores, load at the end {load}. Release build; files of Python are compiled.",
        args.runs
    )
}
