//! The page of the documentation: its examples are configurations, and its tables are complete.

use std::{fs, path::Path};

use fal_command_runner::CommandRunner;
use fal_plugin::ExecutionBackend;
use serde_json::{json, Value};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/command-runner.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Examples, each a whole fal_project.yml.
fn examples() -> Vec<Value> {
    let page = page();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}"))).collect()
}

/// The part of the page below a heading.
fn section(heading: &str) -> String {
    let page = page();
    let rest = page.split(&format!("\n{heading}\n")).nth(1).unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n#").next().unwrap().to_owned()
}

#[test]
fn every_example_is_a_configuration() {
    let validator = jsonschema::validator_for(&CommandRunner::config_schema()).unwrap();
    let examples = examples();
    assert!(examples.len() >= 7, "{} examples", examples.len());
    for example in examples {
        let config = &example["plugins"]["config"]["fal-command-runner"];
        let problems: Vec<_> = validator.iter_errors(config).map(|problem| problem.to_string()).collect();
        assert!(config.is_object() && problems.is_empty(), "{config:#}: {problems:?}");
        let backend = CommandRunner::new(config).unwrap_or_else(|error| panic!("{error}\n{config:#}"));
        assert_eq!(backend.capabilities().concurrency.map(u64::from), config["concurrency"].as_u64());
        let routes = example["routes"].as_array().unwrap();
        assert!(routes.iter().all(|route| route["runner"] == "fal-command-runner" && route["select"].is_string()));
        let gateway = &example["plugins"]["config"]["fal-dbt-backend"]["gateway"];
        let known = |key: &String| ["listen", "advertise", "tls"].contains(&key.as_str());
        assert!(gateway.as_object().is_none_or(|gateway| gateway.keys().all(known)), "{gateway}");
    }
}

#[test]
fn the_table_of_keys_is_complete() {
    let schema = CommandRunner::config_schema();
    let mut keys: Vec<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    let table = section("## Configuration");
    let mut told: Vec<_> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    keys.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, keys);
}

#[test]
fn the_table_of_placeholders_is_complete() {
    let error = CommandRunner::new(&json!({"command": ["{}"]})).unwrap_err().message;
    let (_, names) = error.split_once("there are ").unwrap();
    let mut known: Vec<_> = names.split(['{', '}']).skip(1).step_by(2).map(str::to_owned).collect();
    let table = section("### Placeholders");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `{")?.split('|').next().map(str::to_owned));
    let mut told: Vec<_> =
        rows.flat_map(|row| row.split(['{', '}']).map(str::to_owned).step_by(2).collect::<Vec<_>>()).collect();
    told.retain(|name| !name.is_empty() && !name.starts_with('`'));
    known.sort();
    told.sort();
    assert_eq!(told, known);
}
