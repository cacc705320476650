//! Types through everything: DuckDB, the gateway, a model's frames, the gateway, DuckDB.

use std::collections::BTreeMap;

use fal_e2e::{Ended, Project};
use serde_json::{Value, json};

/// Name and type of each column.
fn types(project: &Project, table: &str) -> Vec<(String, String)> {
    let sql = format!(
        "select column_name, data_type from duckdb_columns() where table_name = '{table}' order by column_index"
    );
    let rows = project.query(&sql);
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        (
            row[0].as_str().unwrap().to_owned(),
            row[1].as_str().unwrap().to_owned(),
        )
    })
    .collect()
}

/// Rows of one table that the other lacks, both ways.
fn difference(project: &Project, one: &str, other: &str) -> Value {
    project.query(&format!(
        "(from {one} except all from {other}) union all (from {other} except all from {one})"
    ))
}

/// A line for each column whose type changed, with the tables in which it did.
fn changes(project: &Project, pairs: &[(&str, &str)]) -> String {
    let mut changes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (source, written) in pairs {
        let (before, after) = (types(project, source), types(project, written));
        let names = |types: &[(String, String)]| {
            types
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&before), names(&after), "{written}");
        for ((name, before), (_, after)) in before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after)
        {
            changes
                .entry(format!("{name}: {before} -> {after}"))
                .or_default()
                .push(written);
        }
    }
    changes
        .into_iter()
        .map(|(change, tables)| format!("{change} ({})\n", tables.join(", ")))
        .collect()
}

fn ran() -> (Project, Ended) {
    let project = Project::copy_of("types");
    let ended = project.run("run --threads 3");
    (project, ended)
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn every_type_comes_back_as_it_went_through_every_kind_of_frame() {
    let (project, ended) = ran();
    ended.expect(0);
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for form in [
        "via_pandas",
        "via_arrow",
        "via_reader",
        "via_relation",
        "via_stream",
        "via_batches",
    ] {
        pairs.push(("every_type", form));
    }
    pairs.extend([
        ("types_of_polars", "via_polars"),
        ("types_of_polars", "via_lazy"),
    ]);
    for (source, written) in &pairs {
        assert_eq!(
            difference(&project, source, written),
            json!([]),
            "{written}"
        );
    }
    insta::assert_snapshot!(changes(&project, &pairs), @r"
    at_s: TIMESTAMP_S -> TIMESTAMP_MS (via_polars, via_lazy)
    clock: TIME -> TIME_NS (via_polars, via_lazy)
    ");

    let empty = [
        ("no_rows", "empty_pandas"),
        ("no_rows", "empty_arrow"),
        ("no_rows", "empty_reader"),
        ("no_rows_of_polars", "empty_polars"),
    ];
    for (_, written) in empty {
        assert_eq!(
            project.query(&format!("select count(*) from {written}")),
            json!([[0]]),
            "{written}"
        );
    }
    insta::assert_snapshot!(changes(&project, &empty), @r"
    at_s: TIMESTAMP_S -> TIMESTAMP_MS (empty_polars)
    clock: TIME -> TIME_NS (empty_polars)
    ");

    for library in ["pandas", "polars", "arrow"] {
        let table = format!("untyped_{library}");
        assert_eq!(
            project.query(&format!("from {table}")),
            json!([[1, null], [2, null]]),
            "{table}"
        );
        assert_eq!(
            types(&project, &table)[1].1,
            "INTEGER",
            "{table}: as DuckDB names an untyped NULL"
        );
    }

    let own: String = types(&project, "own_types")
        .iter()
        .map(|(name, kind)| format!("{name} {kind}\n"))
        .collect();
    insta::assert_snapshot!(own, @r"
    id TINYINT
    whole SMALLINT
    kind VARCHAR
    zoned TIMESTAMP WITH TIME ZONE
    took INTERVAL
    money DECIMAL(3,2)
    day DATE
    half FLOAT
    words VARCHAR[]
    pair STRUCT(a BIGINT)
    ");
    let rows = project.query("select columns(*)::varchar from own_types order by id");
    insta::assert_snapshot!(format!("{}\n{}", rows[0], rows[1]), @r#"
    ["1","1","b","2024-02-29 11:00:00+00","24:00:00","1.10","2024-02-29","0.5","[a, b]","{'a': 1}"]
    ["2",null,null,null,null,null,null,"1.5",null,null]
    "#);
}
