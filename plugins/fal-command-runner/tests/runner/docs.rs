//! The page of the documentation: its examples are configurations, and its tables are complete.

use std::{fs, path::Path};

use fal_command_runner::CommandRunner;
use fal_plugin::ExecutionBackend;
use serde_json::{json, Value};

use crate::stand::Stand;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/command-runner.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the examples, each a complete fal_project.yml.
fn examples() -> Vec<Value> {
    let page = page();
    let blocks = page
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            serde_saphyr::from_str(block).unwrap_or_else(|error| panic!("{error}\n{block}"))
        })
        .collect()
}

/// Returns the part of the page below a heading.
fn section(heading: &str) -> String {
    let page = page();
    let rest = page
        .split(&format!("\n{heading}\n"))
        .nth(1)
        .unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n#").next().unwrap().to_owned()
}

#[test]
fn every_example_is_a_configuration() {
    let validator = jsonschema::validator_for(&CommandRunner::config_schema()).unwrap();
    let examples = examples();
    assert!(examples.len() >= 7, "{} examples", examples.len());
    for example in examples {
        let config = &example["plugins"]["config"]["fal-command-runner"];
        let problems: Vec<_> = validator
            .iter_errors(config)
            .map(|problem| problem.to_string())
            .collect();
        assert!(
            config.is_object() && problems.is_empty(),
            "{config:#}: {problems:?}"
        );
        let backend =
            CommandRunner::new(config).unwrap_or_else(|error| panic!("{error}\n{config:#}"));
        assert_eq!(
            backend.capabilities().concurrency.map(u64::from),
            config["concurrency"].as_u64()
        );
        let routes = example["routes"].as_array().unwrap();
        assert!(routes
            .iter()
            .all(|route| route["runner"] == "fal-command-runner" && route["select"].is_string()));
        let gateway = &example["plugins"]["config"]["fal-dbt-backend"]["gateway"];
        let known = |key: &String| ["listen", "advertise", "tls"].contains(&key.as_str());
        assert!(
            gateway
                .as_object()
                .is_none_or(|gateway| gateway.keys().all(known)),
            "{gateway}"
        );
    }
}

#[test]
fn the_table_of_keys_is_complete() {
    let schema = CommandRunner::config_schema();
    let mut keys: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let table = section("## Configuration");
    let mut listed: Vec<_> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    keys.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, keys);
}

#[test]
fn the_table_of_placeholders_is_complete() {
    let error = CommandRunner::new(&json!({"command": ["{}"]}))
        .unwrap_err()
        .message;
    let (_, names) = error.split_once("there are ").unwrap();
    let mut known: Vec<_> = names
        .split(['{', '}'])
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    let table = section("### Placeholders");
    let rows = table.lines().filter_map(|line| {
        line.strip_prefix("| `{")?
            .split('|')
            .next()
            .map(str::to_owned)
    });
    let mut listed: Vec<_> = rows
        .flat_map(|row| {
            row.split(['{', '}'])
                .map(str::to_owned)
                .step_by(2)
                .collect::<Vec<_>>()
        })
        .collect();
    listed.retain(|name| !name.is_empty() && !name.starts_with('`'));
    known.sort();
    listed.sort();
    assert_eq!(listed, known);
}

/// Returns the words of an example's command for a model with these resources. A stand-in for
/// each program records them.
fn words(example: &Value, resources: Value) -> String {
    let programs = tempfile::tempdir().unwrap();
    let mut config = example["plugins"]["config"]["fal-command-runner"].clone();
    let path = format!(
        "{}:{}",
        programs.path().display(),
        std::env::var("PATH").unwrap()
    );
    config["env"]["PATH"] = json!(path);
    if config["bundle"] == "file" {
        config["folder"] = json!(programs.path());
    }
    let stand = Stand::new(config);
    fs::create_dir(stand.path("platform")).unwrap();
    for program in ["ssh", "docker", "kubectl", "sbatch", "submit-and-wait.sh"] {
        let text =
            "#!/bin/sh\nprintf '%s ' \"${0##*/}\" > words\nfor word; do printf '<%s> ' \"$word\" >> words; done\n";
        stand.program(&format!("platform/{program}"), text);
        std::os::unix::fs::symlink(
            stand.path(&format!("platform/{program}")),
            programs.path().join(program),
        )
        .unwrap();
    }
    let result = stand.run(&stand.node("pass", resources)).unwrap();
    assert_eq!(result.message, None, "{example:#}");
    let plain = |word: &str| match word.split_once("fal-orders-") {
        Some((before, rest)) => {
            format!(
                "{before}fal-orders-N{}",
                rest.trim_start_matches(|c: char| c.is_ascii_hexdigit())
            )
        }
        None => word.to_owned(),
    };
    let words = stand
        .read("words")
        .trim_end()
        .split(' ')
        .map(plain)
        .collect::<Vec<_>>()
        .join(" ");
    let folder = words
        .split(['<', ' '])
        .find(|word| word.starts_with(&programs.path().display().to_string()));
    let folder = folder.map(|word| {
        word.trim_end_matches('>')
            .trim_end_matches("/script.py")
            .to_owned()
    });
    folder.map_or(words.clone(), |folder| words.replace(&folder, "FOLDER"))
}

#[test]
fn every_example_makes_the_command_that_it_means() {
    let plain = |example: &Value| words(example, json!({}));
    let all = examples().iter().map(plain).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(all, @r#"
    ssh <-o> <BatchMode=yes> <gpu1.internal> </opt/models/bin/python ->
    ssh <-o> <BatchMode=yes> <ml1.internal> </opt/plain/bin/python ->
    ssh <-o> <BatchMode=yes> <-o> <ConnectTimeout=10> <-o> <ServerAliveInterval=15> <big1.internal> <nice /opt/models/bin/python ->
    docker <run> <--rm> <--interactive> <--init> <--name> <fal-orders-N> <--add-host> <host.docker.internal:host-gateway> <registry.internal/models:stable> <python> <->
    kubectl <--namespace=models> <run> <fal-orders-N> <--image=registry.internal/models:stable> <--restart=Never> <--rm> <--stdin> <--quiet> <--pod-running-timeout=10m> <--override-type=strategic> <--overrides={"spec": {"containers": [{"name": "fal-orders-N", "resources": {"limits": {"cpu": "1", "memory": "2147483648"}}}]}}> <--command> <--> <python> <->
    sbatch <--wait> <--export=NONE> <--job-name=fal-orders-N> <--output=/shared/logs/fal-orders-N.log> <--partition=cpu> <--mem=4096M> <--time=60> <--wrap> </shared/envs/models/bin/python FOLDER/script.py>
    submit-and-wait.sh <FOLDER> <fal-orders-N>
    "#);
    let resources = json!({"cpus": 2, "memory": 4_294_967_296u64, "gpus": 1, "timeout": 5400.0,
        "custom": {"queue": "fast", "image": "gpu", "host": "big2", "partition": "gpu"}});
    let full = |example: &Value| words(example, resources.clone());
    let all = examples().iter().map(full).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(all, @r#"
    ssh <-o> <BatchMode=yes> <gpu1.internal> </opt/models/bin/python ->
    ssh <-o> <BatchMode=yes> <ml1.internal> </opt/plain/bin/python ->
    ssh <-o> <BatchMode=yes> <-o> <ConnectTimeout=10> <-o> <ServerAliveInterval=15> <big2> <nice /opt/models/bin/python ->
    docker <run> <--rm> <--interactive> <--init> <--name> <fal-orders-N> <--cpus> <2> <--memory> <4294967296> <--gpus> <1> <--add-host> <host.docker.internal:host-gateway> <registry.internal/models:gpu> <python> <->
    kubectl <--namespace=models> <run> <fal-orders-N> <--image=registry.internal/models:gpu> <--restart=Never> <--rm> <--stdin> <--quiet> <--pod-running-timeout=10m> <--override-type=strategic> <--overrides={"spec": {"containers": [{"name": "fal-orders-N", "resources": {"limits": {"cpu": "2", "memory": "4294967296"}}}]}}> <--command> <--> <python> <->
    sbatch <--wait> <--export=NONE> <--job-name=fal-orders-N> <--output=/shared/logs/fal-orders-N.log> <--partition=gpu> <--mem=4096M> <--time=90> <--cpus-per-task> <2> <--gres> <gpu:1> <--wrap> </shared/envs/models/bin/python FOLDER/script.py>
    submit-and-wait.sh <FOLDER> <fal-orders-N> <--queue> <fast> <--gpus> <1>
    "#);
}
