//! Rows in and out of a Python model, against DuckDB in the same process.

use std::{collections::HashMap, time::Duration};

use super::{
    Bench,
    table::Table,
    timing::median,
    twins::{events, write, write_project},
};
use crate::{
    error::{Result, XtaskError},
    program::{self, program},
};

const AIM: &str = "≤ 1.50";
/// The measurements, by the names that both scripts print.
const WORKS: [(&str, &str); 4] = [
    ("read-arrow", "read as an Arrow table"),
    ("read-pandas", "read as a pandas frame"),
    ("write-arrow", "write an Arrow table, up to the commit"),
    ("write-pandas", "write a pandas frame, up to the commit"),
];

/// Measures reads and writes.
pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let (own, other) = (in_models(bench)?, in_process(bench)?);
    for (name, label) in WORKS {
        let [own, other] = [time_of(&own, name)?, time_of(&other, name)?];
        table.times(
            &format!("{label}, {} rows x 6", bench.args.rows),
            own,
            ("DuckDB in process", other),
            AIM,
        );
    }
    Ok(())
}

type Times = HashMap<String, Vec<Duration>>;

/// A model may write only once, so there is one for each write.
fn in_models(bench: &Bench<'_>) -> Result<Times> {
    let folder = bench.scratch.path().join("data");
    write_project(&folder)?;
    write(&folder.join("models/events.sql"), &events(bench.args.rows))?;
    let reads = include_str!("reads.py").replace("ROUNDS", &bench.args.runs.to_string());
    write(&folder.join("models/reads.py"), &reads)?;
    for round in 0..bench.args.runs {
        for form in ["arrow", "pandas"] {
            let code = include_str!("write.py").replace("FORM", form);
            write(
                &folder.join(format!("models/write_{form}_{round}.py")),
                &code,
            )?;
        }
    }
    let mut command = program(&bench.host, &folder);
    command
        .args(["run", "--threads", "1", "--python"])
        .arg(bench.venv.python());
    Ok(times(&program::output(&mut command)?))
}

fn in_process(bench: &Bench<'_>) -> Result<Times> {
    let code = include_str!("in_process.py").replace("ROUNDS", &bench.args.runs.to_string());
    let mut command = program(bench.venv.python(), bench.scratch.path());
    command.args(["-c", &code, &events(bench.args.rows)]);
    Ok(times(&program::output(&mut command)?))
}

/// Parses lines that end in `BENCH name seconds`.
fn times(output: &str) -> Times {
    let mut times = Times::new();
    for line in output.lines().filter_map(|line| line.split_once("BENCH ")) {
        if let Some((name, Ok(seconds))) = line
            .1
            .split_once(' ')
            .map(|(name, time)| (name, time.trim().parse()))
        {
            times
                .entry(name.to_owned())
                .or_default()
                .push(Duration::from_secs_f64(seconds));
        }
    }
    times
}

fn time_of(times: &Times, name: &str) -> Result<Duration> {
    times
        .get(name)
        .map(|found| median(found.clone()))
        .ok_or_else(|| XtaskError::Answer {
            command: "cargo xtask bench".to_owned(),
            output: format!("no time of {name}"),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_in_lines_of_a_run() {
        let found = times("08:00:00  reads | BENCH read-arrow 0.25\nBENCH read-arrow 0.5\nother\n");
        assert_eq!(
            found["read-arrow"],
            [Duration::from_millis(250), Duration::from_millis(500)]
        );
    }
}
