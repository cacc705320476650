//! A graph of 10,000 nodes: runs the benchmark of `fal-graph` and takes its lines into the table.

use std::time::Duration;

use super::{Bench, table::Table};
use crate::{
    error::{Result, XtaskError},
    program::{self, cargo},
};

/// Measures building the graph, selecting in it and running it without work.
pub(super) fn measure(_: &Bench<'_>, table: &mut Table) -> Result<()> {
    let output = program::output(&mut cargo([
        "bench",
        "--quiet",
        "-p",
        "fal-graph",
        "--bench",
        "graph",
    ]))?;
    let found: Vec<_> = output.lines().filter_map(measurement).collect();
    if found.is_empty() {
        return Err(XtaskError::Answer {
            command: "cargo bench -p fal-graph".to_owned(),
            output,
        });
    }
    for (what, time) in found {
        table.time(
            &format!("graph, 10,000 nodes: {}", what.replace('|', "\\|")),
            time,
            "",
        );
    }
    Ok(())
}

/// Parses a line such as `what it was     1.23 ms`.
fn measurement(line: &str) -> Option<(&str, Duration)> {
    let (what, time) = line.strip_suffix(" ms")?.rsplit_once(' ')?;
    Some((
        what.trim(),
        Duration::from_secs_f64(time.parse::<f64>().ok()? / 1000.0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_benchmark_are_understood() {
        let found = measurement("select tag:nightly+                  1.24 ms");
        assert_eq!(
            found,
            Some(("select tag:nightly+", Duration::from_micros(1240)))
        );
        assert_eq!(measurement("running 3 tests"), None);
    }
}
