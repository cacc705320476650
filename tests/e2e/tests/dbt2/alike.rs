//! The fixture projects and the example on every engine, with the same
//! exit codes, results and rows.

use std::{collections::BTreeSet, fs, path::Path};

use fal_e2e::Project;

use super::Engine::{self, Commands, Dbt2, Inside};
use crate::both_warehouses::{
    Case, DEPENDENCIES, FLAGS, JUPYTER, MISBEHAVING, NOTEBOOKS, SCRIPTS, VERBS,
};

const TYPES: Case = Case {
    folder: "tests/projects/types",
    runs: &[("run --threads 3", 0)],
    tables: "main.every_type main.via_arrow main.via_pandas main.via_polars main.own_types",
};

const EXAMPLE: Case = Case {
    folder: "examples/jaffle_shop",
    runs: &[("build", 0)],
    tables: "main.customers main.daily_orders main.customer_segments main.order_forecast \
        main.segment_summary main.segment_outlook",
};

/// What dbt 2 refuses to parse in these projects (project, file, text), and what is there instead on
/// every engine. A file without a text is removed.
const EDITS: &[(&str, &str, &str, &str)] = &[
    (
        "scripts",
        "models/schema.yml",
        "fal:\n  scripts:\n    before: [first.py]\n    after: [done.py]\n",
        "",
    ),
    ("script_api", "models/globals.yml", "", ""),
    (
        "environments",
        "models/native.py",
        "fal_environment=\"old\"",
        "meta={\"fal\": {\"environment\": \"old\"}}",
    ),
    (
        "materializations",
        "models/schema.yml",
        "- \"insert into heard values ('before the table')\"",
        "- {sql: \"insert into heard values ('before the table')\"}",
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

/// How an engine differs from dbt-core 1.11 from the inside: the project, the engine, the
/// difference, and the words of docs/dbt-versions.md that say why.
const LIMITS: &[(&str, Engine, &str, &str)] = &[];

impl Engine {
    /// Runs a case in a copy of its project. Returns the copy, with the exit code and the results of
    /// each command.
    fn run(self, case: &Case) -> (Project, BTreeSet<String>) {
        let project = Project::copy_of_folder(Path::new(case.folder));
        for (_, file, text, other) in EDITS.iter().filter(|edit| case.folder.ends_with(edit.0)) {
            if text.is_empty() {
                project.remove(file);
            } else {
                let content = project.read(file);
                assert!(content.contains(text), "{file}: {text}");
                project.write(file, content.replace(text, other));
            }
        }
        let mut lines = BTreeSet::new();
        for (number, (args, _)) in case.runs.iter().enumerate() {
            let _ = fs::remove_file(project.path("target/run_results.json"));
            let ended = project.finish(self.host(&project, args));
            lines.insert(format!("{number}: exit code {}", ended.code()));
            assert!(project.has("target/run_results.json"), "{self:?}: {ended}");
            lines.extend(
                project
                    .results()
                    .iter()
                    .map(|result| format!("{number}: {result}")),
            );
        }
        project.nothing_is_left();
        (project, lines)
    }
}

/// Runs a case on every engine, and fails for each difference that is not among the limits, and for
/// each limit that is none.
#[track_caller]
fn assert_alike(case: &Case) {
    let (first, expected) = Inside.run(case);
    for (number, (args, code)) in case.runs.iter().enumerate() {
        let line = format!("{number}: exit code {code}");
        assert!(expected.contains(&line), "{args}: {expected:?}");
    }
    let mut wrong = String::new();
    for engine in [Commands, Dbt2] {
        let (project, lines) = engine.run(case);
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
        let known: BTreeSet<String> = LIMITS
            .iter()
            .filter(|limit| case.folder.ends_with(limit.0) && limit.1 == engine)
            .map(|limit| limit.2.to_owned())
            .collect();
        for line in found.difference(&known) {
            wrong.push_str(&format!("{engine:?} differs: {line}\n"));
        }
        for line in known.difference(&found) {
            wrong.push_str(&format!("{engine:?} no longer differs: {line}\n"));
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
    ($($name:ident: $case:ident,)*) => {
        $(
            #[test]
            #[ignore = "needs dbt 2: cargo xtask test"]
            fn $name() {
                assert_alike(&$case);
            }
        )*
    };
}

alike! {
    the_example_is_alike: EXAMPLE,
    verbs_is_alike: VERBS,
    scripts_is_alike: SCRIPTS,
    flags_is_alike: FLAGS,
    notebooks_is_alike: NOTEBOOKS,
    dependencies_is_alike: DEPENDENCIES,
    jupyter_is_alike: JUPYTER,
    misbehaving_is_alike: MISBEHAVING,
    types_is_alike: TYPES,
}
