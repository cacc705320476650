//! A table of selectors, each with what `dbt ls` answers, walked through this crate's selection.

use std::path::{Path, PathBuf};
use std::process::Command;

use fal_graph::{Criteria, Dag, DagBuilder, GraphNode, ResourceTypes, SelectionWarning, Selector};
use serde_json::{Map, Value};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/projects/selection")
}

fn fixture_nodes() -> Result<Vec<GraphNode>, serde_json::Error> {
    include_str!("fixtures/selection_nodes.jsonl")
        .lines()
        .map(serde_json::from_str)
        .collect()
}

fn fixture_dag() -> Result<Dag, Box<dyn std::error::Error>> {
    let mut builder = DagBuilder::new("shop");
    builder.nodes(fixture_nodes()?);
    Ok(builder.build()?)
}

fn words(case: &Value, key: &str) -> Vec<String> {
    let list = case
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn criteria(case: &Value) -> Result<Criteria, fal_graph::SelectError> {
    Ok(Criteria {
        select: words(case, "select"),
        exclude: words(case, "exclude"),
        selector: case
            .get("selector")
            .and_then(Value::as_str)
            .map(str::to_owned),
        indirect: case
            .get("indirect")
            .and_then(Value::as_str)
            .map(str::parse)
            .transpose()?
            .unwrap_or_default(),
        resource_types: ResourceTypes::default().narrowed(&words(case, "resource_types"), &[])?,
        include_empty: true,
    })
}

/// This crate's answer, in the form of the table's.
fn answer(selector: &Selector<'_>, dag: &Dag, case: &Value) -> String {
    match criteria(case).and_then(|criteria| selector.select(&criteria)) {
        Err(_) => "error".to_owned(),
        Ok(selection) => {
            let unmatched: Vec<&str> = selection.warnings.iter().filter_map(expression).collect();
            format!(
                "{}\nunmatched {}",
                selection.ids(dag).join("\n"),
                unmatched.join(" | ")
            )
        }
    }
}

fn expression(warning: &SelectionWarning) -> Option<&str> {
    match warning {
        SelectionWarning::NothingMatched { expression, .. } => Some(expression),
        _ => None,
    }
}

fn expected(case: &Value) -> String {
    if case.get("error").is_some() {
        return "error".to_owned();
    }
    format!(
        "{}\nunmatched {}",
        words(case, "expect").join("\n"),
        words(case, "unmatched").join(" | ")
    )
}

fn table() -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    Ok(serde_json::from_str(&std::fs::read_to_string(
        project().join("selections.json"),
    )?)?)
}

/// Questions that this crate answers otherwise than dbt, with both answers.
fn differences(
    cases: &[Value],
    selectors: &str,
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let selectors: Map<String, Value> = serde_json::from_str(selectors)?;
    let dag = fixture_dag()?;
    let selector = Selector::new(&dag).with_definitions(&selectors);
    let mut wrong = Vec::new();
    for case in cases {
        let (own, dbt) = (answer(&selector, &dag, case), expected(case));
        if own != dbt {
            let question = [
                "select",
                "exclude",
                "selector",
                "indirect",
                "resource_types",
            ]
            .map(|key| case.get(key));
            wrong.push(format!("{question:?}\n--- dbt\n{dbt}\n--- own\n{own}\n"));
        }
    }
    Ok(wrong)
}

#[test]
fn selections_are_those_of_dbt() -> TestResult {
    let cases = table()?;
    let wrong = differences(&cases, include_str!("fixtures/selection_selectors.json"))?;
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    assert!(cases.len() >= 60, "the table shrank to {}", cases.len());
    Ok(())
}

#[test]
fn selectors_may_come_as_the_file_has_them() -> TestResult {
    let mut cases = table()?;
    cases.retain(|case| case.get("selector").is_some());
    let wrong = differences(
        &cases,
        include_str!("fixtures/selection_selectors_raw.json"),
    )?;
    assert!(wrong.is_empty() && cases.len() > 10, "{}", wrong.join("\n"));
    Ok(())
}

/// Needs a Python with dbt-core and dbt-duckdb: `FAL_TEST_DBT_PYTHON=... cargo test -p fal-graph -- --ignored`.
#[test]
#[ignore = "runs dbt some hundred times"]
fn dbt_still_answers_so() -> TestResult {
    let python = std::env::var("FAL_TEST_DBT_PYTHON")?;
    let output = Command::new(python)
        .arg("-B")
        .arg(project().join("against_dbt.py"))
        .output()?;
    let answer = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{answer}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
