//! What other programs read of Python models: manifest.json, `ls` and the JSON log.

use std::collections::BTreeMap;

use fal_e2e::{Project, python};
use serde_json::{Value, json};

/// Takes `--state DIR` from a folder that was the target folder.
fn keep(project: &Project, folder: &str) {
    for file in ["manifest.json", "fal/dbt/manifest.json"] {
        project.write(
            &format!("{folder}/{file}"),
            project.read(&format!("target/{file}")),
        );
    }
}

fn shop() -> Project {
    let project = Project::bare();
    project.write("models/a.sql", "select 1 as id");
    project.write("models/deep/p.py", "write_to_model(ref('a'))\n");
    project.write("models/deep/i.py", "write_to_model(ref('p'))\n");
    project.write(
        "models/n.ipynb",
        json!({
            "nbformat": 4, "nbformat_minor": 5, "metadata": {},
            "cells": [
                {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["# A title"]},
                {"cell_type": "code", "id": "b", "metadata": {}, "execution_count": 3, "outputs": [],
                 "source": ["rows = ref('p')\n", "write_to_model(rows)"]},
            ],
        })
        .to_string(),
    );
    project.write(
        "models/schema.yml",
        "models:
  - name: p
    description: What it is
    columns: [{name: id, description: A number, data_tests: [unique]}]
  - {name: i, config: {materialized: incremental}}
",
    );
    project.write("models/b.sql", "select * from {{ ref('n') }}");
    project
}

const ENGINES: [&str; 2] = ["session", "commands"];

fn run(project: &Project, engine: &str, words: &str) -> fal_e2e::Ended {
    let mut command = project.host_with_dbt(words);
    command.env("FAL_HOST_DBT_ENGINE", engine);
    project.finish(command)
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_manifest_shows_python_models_as_tables_and_plain_dbt_is_undisturbed() {
    for engine in ENGINES {
        let project = shop();
        // Looking at the graph is enough.
        run(&project, engine, "ls").expect(0);
        let parsed = project.json("target/manifest.json")["nodes"].clone();
        assert_eq!(parsed["model.shop.p"]["language"], "python", "{engine}");
        run(&project, engine, "build").expect(0);
        let manifest = project.json("target/manifest.json");
        let node = |name: &str| &manifest["nodes"][format!("model.shop.{name}")];
        let fields = |name: &str| {
            let node = node(name);
            json!([
                node["path"],
                node["original_file_path"],
                node["relation_name"],
                node["language"],
                node["config"]["materialized"],
                node["depends_on"]["nodes"],
            ])
        };
        let relation = |name: &str| format!("\"shop\".\"main\".\"{name}\"");
        assert_eq!(
            fields("p"),
            json!([
                "deep/p.py",
                "models/deep/p.py",
                relation("p"),
                "python",
                "table",
                ["model.shop.a"]
            ]),
            "{engine}"
        );
        assert_eq!(
            fields("i"),
            json!([
                "deep/i.py",
                "models/deep/i.py",
                relation("i"),
                "python",
                "incremental",
                ["model.shop.p"]
            ]),
            "{engine}"
        );
        assert_eq!(
            fields("n"),
            json!([
                "n.ipynb",
                "models/n.ipynb",
                relation("n"),
                "python",
                "table",
                ["model.shop.p"]
            ]),
            "{engine}"
        );
        assert_eq!(node("p")["raw_code"], "write_to_model(ref('a'))");
        assert_eq!(
            node("n")["raw_code"],
            "rows = ref('p')\nwrite_to_model(rows)"
        );
        assert_eq!(node("p")["description"], "What it is");
        assert_eq!(node("p")["columns"]["id"]["description"], "A number");
        assert_eq!(node("b")["language"], "sql");

        // dbt's own is beside it, and dbt goes on from there.
        let own = project.json("target/fal/dbt/manifest.json");
        assert_eq!(
            own["nodes"]["model.shop.p"]["config"]["materialized"],
            "ephemeral"
        );
        keep(&project, "before");
        let changed =
            project.dbt("ls -q --output name --select state:modified --state before/fal/dbt");
        assert_eq!(changed.expect(0).stdout.trim(), "", "{engine}");
        project
            .dbt("run")
            .expect(0)
            .never_says("Unable to do partial parsing");
        let of_dbt = project.json("target/manifest.json");
        assert_eq!(
            of_dbt["nodes"]["model.shop.p"]["language"], "sql",
            "it is dbt's now"
        );
        run(&project, engine, "ls").expect(0);
        let shown = project.json("target/manifest.json");
        assert_eq!(
            shown["nodes"]["model.shop.p"]["language"], "python",
            "{engine}"
        );
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn selectors_and_lists_agree_with_the_manifest() {
    for engine in ENGINES {
        let project = shop();
        let names = |method: &str| {
            let listed = run(
                &project,
                engine,
                &format!("ls -q --output name --resource-type model --select {method}"),
            );
            listed
                .expect(0)
                .stdout
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(names("config.materialized:table"), "a b n p", "{engine}");
        assert_eq!(names("config.materialized:incremental"), "i", "{engine}");
        let listed = run(
            &project,
            engine,
            "ls -q --output json --resource-type model --select p",
        );
        let line: Value = serde_json::from_str(&listed.expect(0).stdout).unwrap();
        assert_eq!(line["config"]["materialized"], "table");
        assert_eq!(line["original_file_path"], "models/deep/p.py");
        assert_eq!(line["depends_on"]["nodes"], json!(["model.shop.a"]));
        let keys = "ls -q --output json --output-keys name fqn relation_name --resource-type model --select p";
        let listed = run(&project, engine, keys);
        let line: Value = serde_json::from_str(&listed.expect(0).stdout).unwrap();
        let relation = "\"shop\".\"main\".\"p\"";
        let fqn = ["shop", "fal", "deep", "p"];
        assert_eq!(
            line,
            json!({"name": "p", "fqn": fqn, "relation_name": relation})
        );
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn states_of_both_kinds_of_manifest_are_compared_and_deferred_to() {
    for engine in ENGINES {
        let project = shop();
        run(&project, engine, "run").expect(0);
        keep(&project, "ours");
        project.dbt("parse").expect(0);
        project.write("of_dbt/manifest.json", project.read("target/manifest.json"));
        let modified = |state: &str| {
            let list = format!(
                "ls -q --output name --resource-type model --select state:modified --state {state}"
            );
            let listed = run(&project, engine, &list).expect(0).stdout.clone();
            listed.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        for state in ["ours", "of_dbt"] {
            assert_eq!(modified(state), "", "{engine}, {state}");
        }
        for variable in ["DBT_STATE", "DBT_ENGINE_STATE"] {
            let mut command = project.host_with_dbt("compile --select state:modified");
            command.env(variable, "ours");
            let ended = project.finish(command);
            ended.expect(0).says("does not match any enabled nodes");
        }
        project.write("models/deep/p.py", "write_to_model(ref('a').head())\n");
        project.write("models/a.sql", "select 2 as id");
        assert_eq!(modified("ours"), "a p", "{engine}");
        assert_eq!(
            modified("of_dbt"),
            "a",
            "{engine}: it does not have the code"
        );
        for state in ["ours", "of_dbt"] {
            let deferred = format!("run --select b --defer --state {state} --vars '{{x: 1}}'");
            run(&project, engine, &deferred).expect(0);
        }
        run(&project, engine, "retry").expect(0);
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn lines_of_the_json_log_are_those_of_dbt_s_classes() {
    let project = shop();
    project.write("seeds/raw.csv", "id\n1\n");
    project.write("models/bad.py", "write_to_model(ref('b')['nothing'])\n");
    let ended = project.run("build --log-format json --debug");
    project.write("log.jsonl", &ended.expect(1).stdout);
    let checked = python(CHECK, &[&project.path("log.jsonl").display().to_string()]);
    let checked: BTreeMap<String, u64> = serde_json::from_value(checked).unwrap();
    for name in [
        "MainReportVersion",
        "AdapterRegistered",
        "FoundStats",
        "ConcurrencyLine",
        "LogStartLine",
        "LogSeedResult",
        "LogModelResult",
        "LogTestResult",
        "FinishedRunningStats",
        "EndOfRunSummary",
        "StatsLine",
        "CommandCompleted",
    ] {
        assert!(checked.contains_key(name), "{name}: {checked:?}");
    }
}

/// Reads each line that has a code of dbt as dbt's own class, whose fields must all be there.
const CHECK: &str = r#"
import collections, json, sys
from google.protobuf import json_format
from dbt.events import types
from dbt.events import core_types_pb2
from dbt.adapters.events import types as adapter_types
try:
    from dbt.adapters.events import adapter_types_pb2
except ImportError:
    from dbt.adapters.events import types as adapter_types_pb2

# Not set by dbt either, where nothing is to be said.
OPTIONAL = {"group", "cfg"}
found = collections.Counter()
for text in open(sys.argv[1]):
    line = json.loads(text)
    info, data = line["info"], line["data"]
    if not info["code"]:
        continue
    name = info["name"]
    cls = getattr(types, name, None) or getattr(adapter_types, name, None)
    assert cls is not None, f"dbt has no event {name}"
    assert cls.code(cls) == info["code"], (name, info["code"])
    message = getattr(core_types_pb2, name, None) or getattr(adapter_types_pb2, name, None)
    if message is None:
        found[name] += 1
        continue
    read = json_format.ParseDict(data, message(), ignore_unknown_fields=True)
    missing = {field.name for field in message.DESCRIPTOR.fields} - set(data) - OPTIONAL
    assert not missing, f"{name} lacks {missing}"
    if "node_info" in data:
        fields = {field.name for field in core_types_pb2.NodeInfo.DESCRIPTOR.fields}
        assert set(data["node_info"]) == fields, (name, set(data["node_info"]) ^ fields)
        started = data["node_info"]["node_started_at"]
        assert started or data["node_info"]["node_status"] == "skipped", data
    found[name] += 1
print(json.dumps(found))
"#;
