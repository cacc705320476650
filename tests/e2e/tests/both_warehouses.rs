//! The fixture projects and the example on DuckDB and on PostgreSQL: the same exit codes, results and rows.
//!
//! Projects that another test runs on DuckDB anyway are compared there, by `assert_same_on_postgres`.
//!
//! Not here: `native`, whose models are dbt's own (`native_models.rs`); `types`, whose SQL names every type that DuckDB has
//! (PostgreSQL's are in the backend's tests); `selection`, which is only listed; `postgres`, which is on PostgreSQL alone.

use std::path::Path;

use fal_e2e::{Ended, Project};
use serde_json::json;

/// The commands that a case runs in a project, and the tables that must be equal.
pub(crate) struct Case {
    pub(crate) folder: &'static str,
    /// Command lines in order, and their exit codes.
    pub(crate) runs: &'static [(&'static str, i32)],
    pub(crate) tables: &'static str,
}

pub(crate) const SHOP: Case = Case {
    folder: "tests/projects/shop",
    // The seed is read as a source.
    runs: &[("seed", 0), ("build --exclude raw_orders", 0)],
    tables: "main.raw_orders main.stg_orders main.totals main.ranks main.doubled main.report",
};

pub(crate) const VERBS: Case = Case {
    folder: "tests/projects/verbs",
    runs: &[("build", 0)],
    tables: "main.raw main.past main.orders main.forecast main.notes main.below_notes \
        main.below_forecast",
};

pub(crate) const SCRIPTS: Case = Case {
    folder: "tests/projects/scripts",
    runs: &[("flow run --threads 4", 0)],
    tables: "main.raw main.orders main.customers main.report main.end",
};

pub(crate) const SCRIPT_API: Case = Case {
    folder: "tests/projects/script_api",
    runs: &[("seed", 0), ("run", 1)],
    tables: "main.orders main.below main.forecast main_other.shown_as written.log written.typed",
};

pub(crate) const FLAGS: Case = Case {
    folder: "tests/projects/flags",
    runs: &[("run --target prod --vars 'size: 2'", 0)],
    tables: "prod.raw prod.score prod.total prod.report",
};

pub(crate) const NOTEBOOKS: Case = Case {
    folder: "tests/projects/notebooks",
    runs: &[("run", 1)],
    tables: "main.orders main.magic main.old",
};

pub(crate) const DEPENDENCIES: Case = Case {
    folder: "tests/projects/dependencies",
    runs: &[("run --threads 4", 0)],
    tables: "main.a_docstring main.a_bound main.a_jinja main.a_below main.b_chain",
};

pub(crate) const ENVIRONMENTS: Case = Case {
    folder: "tests/projects/environments",
    // `with_broken` tests an installation that fails.
    runs: &[("run --exclude with_broken+", 0)],
    tables: "main.with_old main.with_new main.with_also_new main.hooked main.native",
};

pub(crate) const JUPYTER: Case = Case {
    folder: "tests/projects/jupyter",
    runs: &[("run", 0)],
    tables: "main.shares main.by_class main.tally",
};

pub(crate) const MISBEHAVING: Case = Case {
    folder: "tests/projects/misbehaving",
    runs: &[("run --threads 4", 1)],
    tables: "main.chatty main.chdir main.children main.patched main.threads main.healthy_late",
};

/// Its own profile has an output for PostgreSQL, with other schema names.
const EXAMPLE: &str = "examples/jaffle_shop";
const EXAMPLE_TABLES: [&str; 6] = [
    "customers",
    "daily_orders",
    "customer_segments",
    "order_forecast",
    "segment_summary",
    "segment_outlook",
];

/// Runs a case on one warehouse and gives the results after each command.
fn run(project: &Project, runs: &[(&str, i32)]) -> Vec<Vec<String>> {
    let one = |(args, code): &(&str, i32)| {
        let ended: Ended = project.run(*args);
        ended.expect(*code);
        project.results()
    };
    let results = runs.iter().map(one).collect();
    project.nothing_is_left();
    results
}

#[track_caller]
fn assert_alike(case: &Case) {
    let duckdb = Project::copy_of_folder(Path::new(case.folder));
    let results = run(&duckdb, case.runs);
    assert_same_on_postgres(case, &duckdb, &results);
}

/// Runs a case on PostgreSQL and compares it with the project that another test ran on DuckDB.
#[track_caller]
pub(crate) fn assert_same_on_postgres(case: &Case, duckdb: &Project, results: &[Vec<String>]) {
    let postgres = Project::copy_of_folder(Path::new(case.folder)).on_postgres();
    assert_eq!(run(&postgres, case.runs), results, "{}", case.folder);
    assert_eq!(
        duckdb.differences(&postgres, case.tables),
        json!({}),
        "{}: DuckDB, PostgreSQL",
        case.folder
    );
    let left = "select relname from pg_class where relname like '%fal\\_%' and relname not like 'fal\\_%key'";
    assert_eq!(
        postgres.query(left),
        json!([]),
        "{}: tables of a write are left",
        case.folder
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn build_with_seeds_snapshots_tests_and_unit_tests() {
    assert_alike(&SHOP);
    assert_alike(&VERBS);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn functions_of_scripts() {
    assert_alike(&SCRIPT_API);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn targets() {
    assert_alike(&FLAGS);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn environments() {
    assert_alike(&ENVIRONMENTS);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_example() {
    let example = || Project::copy_of_folder(Path::new(EXAMPLE));
    let (duckdb, postgres) = (example(), example().on_postgres());
    let results = run(&duckdb, &[("build", 0)]);
    assert_eq!(run(&postgres, &[("build --target postgres", 0)]), results);
    postgres.query("alter schema jaffle_shop rename to main");
    let tables = EXAMPLE_TABLES.map(|table| format!("main.{table}"));
    assert_eq!(
        duckdb.differences(&postgres, &tables.each_ref().map(String::as_str)),
        json!({})
    );
}
