//! The command line of `cargo xtask`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The project's automation.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build fal-host, make .venv, run examples/jaffle_shop and show its result
    Demo(DemoArgs),
    /// Run the tests
    Test(TestArgs),
    /// Measure fal-host against dbt and DuckDB; prints a Markdown table
    Bench(BenchArgs),
    /// Run tests over several versions of dbt; writes the table in docs/dbt-versions.md
    Matrix(MatrixArgs),
    /// Write the pages and schemas that are made from the code, in docs/plugins and docs/reference
    Schemas,
    /// Build the site over docs/ into target/site; warnings are errors
    Site,
    /// Make the pictures of the README and the tutorial from a run of the example
    Pictures,
    /// Check all that a release needs and list what a person still has to do; publishes nothing
    Release,
    /// Lay out an installation: bin/fal-host, lib/fal-host/plugins and lib/fal-host/interface
    Dist {
        /// Folder to fill
        dir: PathBuf,
    },
    /// Make the wheels of fal-host and of its package for notebooks in target/wheels
    Wheel(WheelArgs),
}

/// Flags of `demo`.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Major version of dbt; 2 runs a copy of the example below cargo's target folder
    #[arg(long, value_name = "VERSION", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) dbt: u8,
}

/// Flags of `wheel`.
#[derive(Args, Debug)]
pub(crate) struct WheelArgs {
    /// Compile with zig for every Linux with glibc 2.28 or newer, and check the result
    #[arg(long)]
    pub(crate) portable: bool,
}

/// Flags of `test`.
#[derive(Args, Debug)]
pub(crate) struct TestArgs {
    /// Only this part; may be given several times
    #[arg(long, value_name = "PART")]
    pub(crate) only: Vec<Part>,
    /// Also the longest end-to-end tests
    #[arg(long)]
    pub(crate) full: bool,
    /// Fail if a test is left out because this machine lacks a program that it needs
    #[arg(long)]
    pub(crate) no_skips: bool,
}

/// A part of the tests, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Format, clippy, documentation, and ruff and mypy for the Python.
    Lint,
    /// Tests and doctests of the workspace that need no dbt.
    Rust,
    /// Tests of the workspace that run dbt.
    E2e,
    /// Those that run dbt 2, over a separate environment.
    Dbt2,
    /// Those of the tools around dbt: Dagster, Airflow with Cosmos, Prefect, readers of artifacts.
    Ecosystem,
    /// The site over docs/, whose warnings are errors.
    Site,
    /// Those that install the wheel, of the release build, in fresh environments.
    Wheel,
    /// Tests of the backend's Python side.
    Python,
}

/// Flags of `matrix`.
#[derive(Args, Debug)]
pub(crate) struct MatrixArgs {
    /// Only these minor versions: 1.8,1.12
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    pub(crate) dbt: Vec<String>,
    /// Only this part; may be given several times
    #[arg(long, value_name = "PART")]
    pub(crate) only: Vec<MatrixPart>,
    /// Run nothing: only write the table of what was run last
    #[arg(long, conflicts_with_all = ["dbt", "only", "all"])]
    pub(crate) table: bool,
    /// All end-to-end tests, not only those that say most about dbt
    #[arg(long)]
    pub(crate) all: bool,
}

/// A part of the tests of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixPart {
    /// Tests of the backend's Python side.
    Python,
    /// Tests of the whole program.
    E2e,
}

/// Flags of `bench`.
#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// Rounds of each measurement; the median counts
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) runs: u16,
    /// Only this part; may be given several times
    #[arg(long, value_name = "PART")]
    pub(crate) only: Vec<BenchPart>,
    /// Rows that go through the Python model
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) rows: u32,
    /// Rows of eight columns for `bulk`
    #[arg(long, value_name = "N", default_value_t = 5_000_000)]
    pub(crate) bulk_rows: u32,
    /// Python files for `generate`
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) files: u32,
}

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchPart {
    /// Whole runs against `dbt run`, in time and memory.
    Run,
    /// Whole runs of SQL models alone against `dbt run`, on an idle machine and on a busy one.
    Sql,
    /// Whole runs of SQL models on PostgreSQL.
    Postgres,
    /// Runs over dbt 2 against dbt 2 itself, and against plain scripts between its calls.
    Dbt2,
    /// Rows in and out of a Python model against DuckDB in process.
    Data,
    /// Much data through one model, on DuckDB and on PostgreSQL, with each process's memory.
    Bulk,
    /// Stubs of many Python files.
    Generate,
    /// A graph of 10,000 nodes.
    Graph,
    /// A call of a plugin, in process, through its library and in a separate process.
    Call,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
