//! The fixture projects and the example on every engine, and some on dbt 2 with PostgreSQL, with the
//! same exit codes, results and rows.

use std::{collections::BTreeSet, fs, path::Path};

use fal_e2e::Project;

use Warehouse::{DuckDb, Postgres};

use super::Engine::{self, Commands, Dbt2, Inside, LaterDbt2};
use crate::both_warehouses::{
    Case, DEPENDENCIES, ENVIRONMENTS, FLAGS, JUPYTER, MISBEHAVING, NOTEBOOKS, SCRIPT_API, SCRIPTS,
    SHOP, VERBS,
};

const MATERIALIZATIONS: Case = Case {
    folder: "tests/projects/materializations",
    runs: &[
        ("build --vars 'round: 1'", 0),
        ("run --vars 'round: 2'", 0),
        ("run --vars 'round: 3'", 0),
    ],
    tables: "main.heard main.totals main.chosen main.events main.log main.below",
};

/// dbt 2.0.0a4 runs no unit tests of SQL on PostgreSQL.
const VERBS_WITHOUT_UNIT_TESTS: Case = Case {
    runs: &[("build --exclude resource_type:unit_test", 0)],
    ..VERBS
};

/// What needs no relations of DuckDB.
const NATIVE_ANYWHERE: Case = Case {
    folder: "tests/projects/native",
    runs: &[
        ("run --exclude below_native below_script doubled growing", 1),
        (
            "run --exclude below_native below_script doubled growing --vars 'more: true'",
            1,
        ),
    ],
    tables: "main.orders main.growing_anywhere main.parts main.packaged main.hooked main.script",
};

/// A project for PostgreSQL alone.
const POSTGRES: Case = Case {
    folder: "tests/projects/postgres",
    // The seed is read as a source.
    runs: &[("seed", 0), ("build", 0)],
    tables: "shop.raw_orders shop.stg_orders shop.totals shop.ranks shop.report shop.top shop.log",
};

const NATIVE: Case = Case {
    folder: "tests/projects/native",
    runs: &[("run", 1)],
    tables: "main.orders main.doubled main.below_native main.below_script main.growing \
        main.growing_anywhere main.parts main.packaged main.hooked main.script",
};

const UNIT_TESTS: Case = Case {
    folder: "tests/projects/unit_tests",
    runs: &[("build --threads 1", 1)],
    tables: "main.orders main.payments",
};

const TYPES: Case = Case {
    folder: "tests/projects/types",
    runs: &[("run --threads 3", 0)],
    tables: "main.every_type main.via_arrow main.via_pandas main.via_polars main.own_types",
};

/// Some of its models run by the command runner.
const RUNNERS: Case = Case {
    folder: "tests/projects/runners",
    runs: &[("run", 1), ("run --select growing", 0)],
    tables: "main.orders main.counted main.totals main.native main.growing main.below",
};

/// Without a cluster: each model runs here.
const RAY: Case = Case {
    folder: "tests/projects/ray",
    runs: &[("run", 0)],
    tables: "main.raw main.middle main.one_1 main.two_2 main.three_3 main.four_2 main.five_1 main.native main.last",
};

const EXAMPLE: Case = Case {
    folder: "examples/jaffle_shop",
    runs: &[("build", 0)],
    tables: "main.customers main.daily_orders main.customer_segments main.order_forecast \
        main.segment_summary main.segment_outlook",
};

/// What an engine refuses in these projects (project, file, text), and what is there instead on every
/// engine. A file without a text is removed. docs/dbt-versions.md names each.
const EDITS: &[(&str, &str, &str, &str)] = &[
    (
        "scripts",
        "models/schema.yml",
        "fal:\n  scripts:\n    before: [first.py]\n    after: [done.py]\n",
        "",
    ),
    ("script_api", "models/globals.yml", "", ""),
    (
        "unit_tests",
        "models/totals.py",
        "{{ is_big('amount') }}",
        "amount >= {{ var('big') }}",
    ),
    (
        "environments",
        "models/native.py",
        "fal_environment=\"old\"",
        "meta={\"fal\": {\"environment\": \"old\"}}",
    ),
    (
        "materializations",
        "dbt_project.yml",
        "on-run-start: \"create table if not exists heard (t varchar)\"\n",
        "",
    ),
    (
        "materializations",
        "models/schema.yml",
        "on_schema_change: append_new_columns\n",
        "on_schema_change: append_new_columns\n      pre_hook: \"create table if not exists {{ target.schema }}.heard (t varchar)\"\n",
    ),
    (
        "materializations",
        "models/schema.yml",
        "insert into heard",
        "insert into {{ target.schema }}.heard",
    ),
    (
        "materializations",
        "models/totals.ipynb",
        "from heard",
        "from main.heard",
    ),
    (
        "runners",
        "models/schema.yml",
        "    meta:\n      fal:\n        runner: fal-command-runner\n        resources:",
        "    config:\n      meta:\n        fal:\n          runner: fal-command-runner\n          resources:",
    ),
    (
        "postgres",
        "seeds/schema.yml",
        "at: timestamptz",
        "at: timestamp",
    ),
    (
        "postgres",
        "models/staging/stg_orders.sql",
        " at,",
        " at::timestamptz as at,",
    ),
    (
        "unit_tests",
        "models/schema.yml",
        "config: {most: 2}",
        "config: {meta: {most: 2}}",
    ),
    (
        "unit_tests",
        "models/ranked.py",
        "dbt.config.get('most')",
        "dbt.config.meta_get('most')",
    ),
];

/// Where a project's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Warehouse {
    DuckDb,
    Postgres,
}

/// An engine, with its warehouse.
type Place = (Engine, Warehouse);

/// How an engine differs from dbt-core 1.11 from the inside, on any warehouse: the project, the
/// engine, the difference, and the words of docs/dbt-versions.md that say why.
const LIMITS: &[(&str, Engine, &str, &str)] = &[
    ("native", Commands, ALL, IN_DBT),
    ("environments", Commands, ALL, IN_DBT),
    ("ray", Commands, ALL, IN_DBT),
    ("runners", Commands, "+ 0: native error", IN_DBT),
    ("runners", Commands, "- 0: native success", IN_DBT),
    (
        "runners",
        Commands,
        "main.native: [[\"id\",\"kind\",\"place\"],null]",
        IN_DBT,
    ),
    (
        "script_api",
        Dbt2,
        "- 0: shop-on-run-start-0 success",
        NO_ROWS,
    ),
    (
        "script_api",
        Dbt2,
        "- 1: shop-on-run-start-0 success",
        NO_ROWS,
    ),
];
const IN_DBT: &str = "dbt runs them in its own process";
const NO_ROWS: &str = "dbt 2 lists no hooks";
/// The engine differs too much to run the project on it.
const ALL: &str = "*";

/// Runs a case in a copy of its project. Returns the copy, with the exit code and the results of
/// each command, and what the commands printed.
fn run(case: &Case, (engine, warehouse): Place) -> (Project, BTreeSet<String>, String) {
    let mut project = Project::copy_of_folder(Path::new(case.folder));
    if warehouse == Postgres {
        project = project.on_postgres();
    }
    for (_, file, text, other) in EDITS.iter().filter(|edit| case.folder.ends_with(edit.0)) {
        if text.is_empty() {
            project.remove(file);
        } else {
            let content = project.read(file);
            assert!(content.contains(text), "{file}: {text}");
            project.write(file, content.replace(text, other));
        }
    }
    let (mut lines, mut printed) = (BTreeSet::new(), String::new());
    for (number, (args, _)) in case.runs.iter().enumerate() {
        let _ = fs::remove_file(project.path("target/run_results.json"));
        let ended = project.finish(engine.host(&project, args));
        lines.insert(format!("{number}: exit code {}", ended.code()));
        printed.push_str(&format!("{number}: {ended}\n"));
        assert!(
            project.has("target/run_results.json"),
            "{engine:?}: {ended}"
        );
        lines.extend(
            project
                .results()
                .iter()
                .map(|result| format!("{number}: {result}")),
        );
    }
    project.nothing_is_left();
    (project, lines, printed)
}

/// Runs a case in each place, and fails for each difference from the first that is not among the
/// limits, and for each limit that is none.
#[track_caller]
fn assert_alike(case: &Case, places: &[Place]) {
    let (first, others) = places.split_first().expect("places to compare");
    let (first, expected, _) = run(case, *first);
    for (number, (args, code)) in case.runs.iter().enumerate() {
        let line = format!("{number}: exit code {code}");
        assert!(expected.contains(&line), "{args}: {expected:?}");
    }
    let mut wrong = String::new();
    for &place in others {
        let limits = || {
            let of_case = |limit: &&(&str, Engine, _, _)| case.folder.ends_with(limit.0);
            LIMITS
                .iter()
                .filter(of_case)
                .filter(|limit| limit.1 == place.0)
        };
        if limits().any(|limit| limit.2 == ALL) {
            continue;
        }
        let (project, lines, printed) = run(case, place);
        let mut found: BTreeSet<String> = expected
            .symmetric_difference(&lines)
            .map(|line| {
                let sign = if lines.contains(line) { '+' } else { '-' };
                format!("{sign} {line}")
            })
            .collect();
        let rows = first.differences(&project, case.tables);
        found.extend(
            rows.as_object()
                .into_iter()
                .flatten()
                .map(|(table, rows)| format!("{table}: {rows}")),
        );
        let known: BTreeSet<String> = limits().map(|limit| limit.2.to_owned()).collect();
        if found != known {
            wrong.push_str(&printed);
        }
        for line in found.difference(&known) {
            wrong.push_str(&format!("{place:?} differs: {line}\n"));
        }
        for line in known.difference(&found) {
            wrong.push_str(&format!("{place:?} no longer differs: {line}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{wrong}", case.folder);
}

#[test]
fn each_limit_is_in_the_documentation() {
    let page = include_str!("../../../../docs/dbt-versions.md");
    for (project, engine, difference, reason) in LIMITS {
        assert!(
            page.contains(reason),
            "{project} on {engine:?}, {difference}: {reason}"
        );
    }
}

macro_rules! alike {
    ($places:expr; $($name:ident: $case:ident,)*) => {
        $(
            #[test]
            #[ignore = "needs dbt 2: cargo xtask test"]
            fn $name() {
                assert_alike(&$case, &$places);
            }
        )*
    };
}

alike! {
    [(Inside, DuckDb), (Commands, DuckDb), (Dbt2, DuckDb)];
    the_example_is_alike: EXAMPLE,
    scripts_is_alike: SCRIPTS,
    notebooks_is_alike: NOTEBOOKS,
    dependencies_is_alike: DEPENDENCIES,
    environments_is_alike: ENVIRONMENTS,
    jupyter_is_alike: JUPYTER,
    misbehaving_is_alike: MISBEHAVING,
    native_is_alike: NATIVE,
    ray_is_alike: RAY,
    runners_is_alike: RUNNERS,
    types_is_alike: TYPES,
    unit_tests_is_alike: UNIT_TESTS,
}

alike! {
    [(Inside, DuckDb), (Commands, DuckDb), (Dbt2, DuckDb), (LaterDbt2, DuckDb)];
    verbs_is_alike_in_both_forms: VERBS,
}

alike! {
    [(Inside, DuckDb), (Commands, DuckDb), (Dbt2, DuckDb), (Dbt2, Postgres)];
    shop_is_alike_on_both_warehouses: SHOP,
    script_api_is_alike_on_both_warehouses: SCRIPT_API,
    flags_is_alike_on_both_warehouses: FLAGS,
    materializations_is_alike_on_both_warehouses: MATERIALIZATIONS,
}

alike! {
    [(Inside, DuckDb), (Dbt2, Postgres)];
    native_is_alike_on_postgres: NATIVE_ANYWHERE,
    verbs_is_alike_on_postgres: VERBS_WITHOUT_UNIT_TESTS,
}

alike! {
    [(Inside, Postgres), (Commands, Postgres), (Dbt2, Postgres)];
    postgres_is_alike: POSTGRES,
}
