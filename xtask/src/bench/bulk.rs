//! Much data through one Python model, as a pandas frame and as a stream, on DuckDB and on
//! PostgreSQL: rows per second, and the peak memory of each process.
//!
//! Every measurement is one run, because the runs are long. A time covers reading all rows and
//! writing them as a new table, up to the commit, without the start of the programs.

use std::{ffi::OsStr, fs, path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use super::{
    Bench,
    memory::peaks,
    table::{Rate, Table},
    twins::write,
};
use crate::{
    error::{At, Result, XtaskError},
    program::{self, program, tell},
    test::{REQUIREMENTS, Server},
    venv,
};

/// The aim for a process's memory while a model streams.
const AIM: &str = "≤ 572 MiB";
/// `to_sql` writes only some ten thousand rows per second.
const FEW_ROWS: u32 = 200_000;

const PROJECT: &str = "name: bench\nprofile: bench\nflags: {send_anonymous_usage_stats: false}\n\
                       models: {bench: {+materialized: table}}\n";
const PROFILES: &str = "\
bench:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: bench.duckdb, threads: 4}
    bounded: {type: duckdb, path: bench.duckdb, threads: 4, settings: {memory_limit: 256MB}}
    postgres:
      {type: postgres, host: \"{{ env_var('PGHOST') }}\", port: 5432, user: fal, password: unused, dbname: postgres, schema: public, threads: 4}
";
const FRAME: &str = "df = ref('wide')\nwrite_to_model(df)\n";
const STREAM: &str = "def batches():\n    for batch in ref('wide', as_='reader'):\n        yield batch\n\nwrite_to_model(batches())\n";

/// Measures both warehouses.
pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let venv = venv::with(REQUIREMENTS)?;
    let server = Server::start(&venv)?;
    let bulk = Bulk {
        bench,
        python: venv.python().display().to_string(),
        server: server.address().to_owned(),
        host: server.host(),
    };
    bulk.write_project()?;
    bulk.duckdb(table)?;
    bulk.postgres(table)
}

struct Bulk<'a> {
    bench: &'a Bench<'a>,
    python: String,
    server: String,
    /// The folder of the server's socket.
    host: String,
}

impl Bulk<'_> {
    fn folder(&self) -> PathBuf {
        self.bench.scratch.path().join("bulk")
    }

    fn count(&self) -> u32 {
        self.bench.args.bulk_rows
    }

    fn write_project(&self) -> Result<()> {
        let folder = self.folder();
        write(&folder.join("dbt_project.yml"), PROJECT)?;
        write(&folder.join("profiles.yml"), PROFILES)?;
        write(
            &folder.join("models/wide.sql"),
            &include_str!("wide.sql").replace("ROWS", &self.count().to_string()),
        )?;
        write(&folder.join("models/frame.py"), FRAME)?;
        write(&folder.join("models/stream.py"), STREAM)
    }

    fn duckdb(&self, table: &mut Table) -> Result<()> {
        self.run("duckdb", "wide")?;
        let other = self.others("bulk_duckdb.py", &[])?;
        for (form, against) in [("frame", "frame"), ("stream", "stream")] {
            self.row(
                table,
                "duckdb",
                "DuckDB",
                form,
                ("DuckDB in process", other.rate(against, self.count())?),
            )?;
        }
        let what = "DuckDB with `settings: {memory_limit: 256MB}`";
        self.row(
            table,
            "bounded",
            what,
            "stream",
            (
                "DuckDB in process, no limit",
                other.rate("stream", self.count())?,
            ),
        )
    }

    fn postgres(&self, table: &mut Table) -> Result<()> {
        self.run("postgres", "wide")?;
        let few = FEW_ROWS.min(self.count());
        let other = self.others("bulk_postgres.py", &[&self.server, &few.to_string()])?;
        let copy = (
            "psycopg2 COPY, CSV in a file",
            other.rate("copy", self.count())?,
        );
        let sql = format!("pandas `read_sql`, `to_sql`, {few} rows");
        self.row(table, "postgres", "PostgreSQL", "stream", copy)?;
        self.row(
            table,
            "postgres",
            "PostgreSQL",
            "frame",
            (&sql, other.rate("to_sql", few)?),
        )
    }

    /// Runs a model once and measures its rate and its memory.
    fn row(
        &self,
        table: &mut Table,
        target: &str,
        place: &str,
        form: &str,
        other: (&str, Rate),
    ) -> Result<()> {
        let peaks = self.run(target, form)?;
        let own = Rate {
            rows: self.count(),
            time: self.execution_time()?,
        };
        let what = format!(
            "{place}: {} rows x 8 as a {form}, read and written",
            self.count()
        );
        table.rates(&what, own, other);
        let aim = if form == "stream" { AIM } else { "" };
        table.peaks(&format!("{what}: peak memory (RSS)"), &peaks, aim);
        Ok(())
    }

    fn run(&self, target: &str, model: &str) -> Result<Vec<(String, u64)>> {
        tell(&format!("{target}: {model}"));
        let mut command = self.program(self.bench.host.as_os_str());
        command.args([
            "run",
            "--target",
            target,
            "--select",
            model,
            "--python",
            &self.python,
        ]);
        peaks(&mut command)
    }

    fn others(&self, script: &str, args: &[&str]) -> Result<Times> {
        tell(script);
        let code = if script == "bulk_duckdb.py" {
            include_str!("bulk_duckdb.py")
        } else {
            include_str!("bulk_postgres.py")
        };
        let mut command = self.program(self.python.as_ref());
        let output = program::output(command.args(["-c", code]).args(args))?;
        serde_json::from_str(&output)
            .map(Times)
            .map_err(|_error| answer(script, output))
    }

    fn program(&self, name: &OsStr) -> Command {
        let mut command = program(name, &self.folder());
        command.env("PGHOST", &self.host);
        command
    }

    /// Returns the result of the only model of the last run.
    fn execution_time(&self) -> Result<Duration> {
        let path = self.folder().join("target/run_results.json");
        let text = fs::read_to_string(&path).at(&path)?;
        let results: Value = serde_json::from_str(&text).unwrap_or_default();
        let seconds = results
            .pointer("/results/0/execution_time")
            .and_then(Value::as_f64);
        seconds
            .map(Duration::from_secs_f64)
            .ok_or_else(|| answer(&path.display().to_string(), text))
    }
}

/// Reads seconds by name.
struct Times(Value);

impl Times {
    fn rate(&self, name: &str, rows: u32) -> Result<Rate> {
        let seconds = self.0.get(name).and_then(Value::as_f64);
        let time = seconds
            .map(Duration::from_secs_f64)
            .ok_or_else(|| answer(name, self.0.to_string()))?;
        Ok(Rate { rows, time })
    }
}

fn answer(what: &str, output: String) -> XtaskError {
    XtaskError::Answer {
        command: what.to_owned(),
        output,
    }
}
