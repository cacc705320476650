//! Whole runs: `fal-host run` against `dbt run` on the same graph.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    Bench, memory,
    table::Table,
    timing::{median, time},
    twins::Shape,
};
use crate::{
    error::{At, Result, XtaskError},
    program::{self, program, tell},
};

/// The aim of a cold run.
const AIM: &str = "≤ 0.90";

/// One of the two programs, with its project.
struct Side {
    name: &'static str,
    folder: PathBuf,
    command: Box<dyn Fn() -> Command>,
}

/// The state that an earlier run left.
#[derive(Clone, Copy)]
enum State {
    /// No state: the project is parsed for the first time.
    Nothing,
    /// The parsed project; the database is removed.
    Parsed,
}

/// Measures both sizes in both states, then memory.
pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    for chains in [1, 16] {
        let shape = Shape {
            chains,
            rows: bench.args.rows,
        };
        let (nodes, python) = shape.counts();
        let what = format!(
            "run, {nodes} nodes, {python} of them Python, {} rows",
            bench.args.rows
        );
        let sides = sides(bench, shape)?;
        for (state, label) in [
            (State::Nothing, "first parse"),
            (State::Parsed, "warm partial parse"),
        ] {
            let [own, dbt] = rounds(&sides, state, bench.args.runs)?;
            table.times(&format!("{what}: {label}"), own, ("`dbt run`", dbt), AIM);
        }
        compare(bench, &sides)?;
        let [own, dbt] = [peak(&sides[0])?, peak(&sides[1])?];
        table.memory(
            &format!("{what}: peak memory (PSS of all processes)"),
            own,
            ("`dbt run`", dbt),
        );
    }
    Ok(())
}

fn sides(bench: &Bench<'_>, shape: Shape) -> Result<[Side; 2]> {
    let folder = |name: &str| {
        bench
            .scratch
            .path()
            .join(format!("{name}-{}", shape.chains))
    };
    let (own, dbt) = (folder("scripts"), folder("native"));
    shape.write_scripts(&own)?;
    shape.write_native(&dbt)?;
    let (host, python, program_of_dbt) = (
        bench.host.clone(),
        bench.venv.python(),
        bench.venv.program("dbt"),
    );
    let (own_folder, dbt_folder) = (own.clone(), dbt.clone());
    let run_own = move || {
        let mut command = program(&host, &own_folder);
        command.arg("run").arg("--python").arg(&python);
        command
    };
    let run_dbt = move || {
        let mut command = program(&program_of_dbt, &dbt_folder);
        command.arg("run");
        command
    };
    Ok([
        Side {
            name: "fal-host",
            folder: own,
            command: Box::new(run_own),
        },
        Side {
            name: "dbt",
            folder: dbt,
            command: Box::new(run_dbt),
        },
    ])
}

/// Returns the medians of alternating runs; the program that starts first changes from round to
/// round.
fn rounds(sides: &[Side; 2], state: State, count: u16) -> Result<[Duration; 2]> {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..usize::from(count) {
        for turn in 0..2 {
            let at = (round + turn) % 2;
            clear(&sides[at].folder, state)?;
            times[at].push(time(&mut (sides[at].command)())?);
            tell(&format!("{}: {:?}", sides[at].name, times[at][round]));
        }
    }
    Ok(times.map(median))
}

fn peak(side: &Side) -> Result<u64> {
    clear(&side.folder, State::Parsed)?;
    memory::peak(&mut (side.command)())
}

fn clear(folder: &Path, state: State) -> Result<()> {
    for file in ["bench.duckdb", "bench.duckdb.wal"] {
        gone(fs::remove_file(folder.join(file)), folder)?;
    }
    match state {
        State::Nothing => gone(fs::remove_dir_all(folder.join("target")), folder),
        State::Parsed => Ok(()),
    }
}

/// There may be nothing to remove.
fn gone(removed: io::Result<()>, folder: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.at(folder),
    }
}

/// Fails if the results differ, because then the times mean nothing.
fn compare(bench: &Bench<'_>, sides: &[Side; 2]) -> Result<()> {
    let ask = |side: &Side| {
        program::output(
            program(bench.venv.python(), &side.folder).args(["-c", include_str!("sums.py")]),
        )
    };
    let (own, dbt) = (ask(&sides[0])?, ask(&sides[1])?);
    if own == dbt {
        return Ok(());
    }
    let output = format!("the projects hold different results\n--- fal-host\n{own}--- dbt\n{dbt}");
    Err(XtaskError::Answer {
        command: "cargo xtask bench".to_owned(),
        output,
    })
}
