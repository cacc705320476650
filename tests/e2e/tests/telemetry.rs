//! OpenTelemetry traces and OpenLineage events of real runs, taken by a server of the test.

use std::{collections::HashMap, process::Command};

use fal_e2e::{Collector, Project, Span};
use rustix::process::Signal;
use serde_json::{Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// SQL, Python that reads it, SQL that reads that, and Python that fails.
pub(crate) fn project() -> Project {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id, 20 as amount");
    project.write(
        "models/doubled.py",
        "df = ref('orders')\ndf['amount'] *= 2\nwrite_to_model(df)\n",
    );
    project.write(
        "models/total.sql",
        "{{ config(materialized='table') }} select sum(amount) as total from {{ ref('doubled') }}",
    );
    project.write(
        "models/broken.py",
        "df = ref('orders')\nif len(df):\n    raise ValueError('no luck')\nwrite_to_model(df)\n",
    );
    project.write(
        "models/schema.yml",
        "models:\n  - name: doubled\n    columns:\n      - {name: id, data_type: integer, description: Its key.}\n",
    );
    project
}

/// `fal-host ARGS`, whose traces go to the server as JSON.
fn traced(project: &Project, args: &str, collector: &Collector) -> Command {
    let mut command = project.host_with_dbt(args);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    command
}

/// Every span but the run's is a part of one whose time holds its own.
#[track_caller]
pub(crate) fn assert_nested(spans: &[Span]) {
    let by_id: HashMap<_, _> = spans.iter().map(|span| (span.id(), span)).collect();
    for span in spans {
        let (start, end) = span.times();
        assert!(start <= end, "{span:?}");
        if let Some(parent) = by_id.get(span.parent()) {
            let (from, to) = parent.times();
            assert!(from <= start && end <= to, "{span:?}\nnot in\n{parent:?}");
        } else {
            assert_eq!(span.name(), "run shop", "{span:?}");
        }
    }
}

/// There are such spans, each below one of the name beside it.
#[track_caller]
pub(crate) fn assert_parents(spans: &[Span], parents: &[(&str, &str)]) {
    let by_id: HashMap<_, _> = spans.iter().map(|span| (span.id(), span)).collect();
    let mut found: Vec<_> = spans
        .iter()
        .map(|span| {
            (
                span.name(),
                by_id.get(span.parent()).map_or("", |span| span.name()),
            )
        })
        .collect();
    found.sort_unstable();
    for expected in parents {
        assert!(found.contains(expected), "no {expected:?} in {found:#?}");
    }
}

#[track_caller]
fn find<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut named = spans.iter().filter(|span| span.name() == name);
    named
        .next()
        .unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_run_is_a_trace() {
    let (project, collector) = (project(), Collector::start());
    let mut command = traced(&project, "run", &collector);
    command
        .env("TRACEPARENT", format!("00-{TRACE}-{CALLER}-01"))
        .env("TRACESTATE", "acme=1")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=ci");
    let ended = project.finish(command);
    ended.expect(1).never_says("secret");
    for received in collector.received() {
        assert_eq!(received.path, "/v1/traces");
        assert_eq!(received.headers["x-key"], "secret");
    }
    let resource = collector.json()[0]["resourceSpans"][0]["resource"].to_string();
    for part in ["\"fal-host\"", "deployment.environment.name"] {
        assert!(resource.contains(part), "{resource}");
    }
    let spans = collector.spans();
    assert_nested(&spans);
    assert_parents(
        &spans,
        &[
            ("model orders", "run shop"),
            ("model doubled", "run shop"),
            ("model total", "run shop"),
            ("model broken", "run shop"),
            ("read orders", "compute"),
            ("write", "compute"),
        ],
    );
    let root = find(&spans, "run shop");
    assert_eq!((root.text("traceId"), root.parent()), (TRACE, CALLER));
    assert_eq!(root.text("traceState"), "acme=1");
    assert!(root.is_error());
    assert_eq!(root.attribute("dbt.nodes.error"), "1");
    let broken = find(&spans, "model broken");
    assert!(broken.is_error());
    let message = broken.0["status"]["message"].as_str().unwrap();
    assert!(message.contains("ValueError: no luck"), "{message}");
    assert_eq!(broken.attribute("error.type"), "exception");
    assert_eq!(broken.attribute("code.file.path"), "models/broken.py");
    assert_eq!(broken.attribute("code.line.number"), "3");
    let doubled = find(&spans, "model doubled");
    assert!(!doubled.is_error());
    assert_eq!(doubled.attribute("dbt.node.rows"), "1");
    assert_eq!(doubled.attribute("db.system.name"), "duckdb");
    assert_eq!(doubled.attribute("db.collection.name"), "main.doubled");
}

/// What a job reports of its time is no part of dbt's artifact.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn results_have_the_steps_of_dbt_alone() {
    let (project, collector) = (project(), Collector::start());
    let mut command = traced(&project, "run --select orders doubled", &collector);
    command.env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    project.finish(command).expect(0);
    let received = collector.received();
    assert_eq!(received[0].headers["content-encoding"], "gzip");
    let results = project.json("target/run_results.json");
    for result in results["results"].as_array().unwrap() {
        for step in result["timing"].as_array().unwrap() {
            let name = step["name"].as_str().unwrap();
            assert!(["compile", "execute"].contains(&name), "{result:#}");
        }
    }
}

/// A command that ends before its first node is a trace with an error.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_project_that_dbt_refuses_is_a_span_with_the_error() {
    let (project, collector) = (project(), Collector::start());
    project.write("models/orders.sql", "select * from {{ ref('nowhere') }}");
    let ended = project.finish(traced(&project, "run", &collector));
    ended.expect(2);
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:?}");
    assert!(spans[0].is_error());
    let message = spans[0].0["status"]["message"].as_str().unwrap();
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_ended_before_ctrl_c_is_sent() {
    let (project, collector) = (project(), Collector::start());
    project.write(
        "models/broken.py",
        "import time\ndf = ref('orders')\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(df)\n",
    );
    let mut command = traced(&project, "run --select orders broken", &collector);
    command.env("OPENLINEAGE_URL", collector.address());
    let mut running = project.spawn(command);
    running.wait_for("broken | asleep");
    running.signal(Signal::INT);
    running.wait().expect(130);
    let (traces, lineage): (Vec<_>, Vec<_>) = collector
        .received()
        .into_iter()
        .partition(|received| received.path == "/v1/traces");
    let text: Vec<_> = traces
        .iter()
        .map(|received| String::from_utf8_lossy(&received.body))
        .collect();
    assert!(
        text.iter().any(|text| text.contains("model orders")),
        "{text:?}"
    );
    let events: Vec<Value> = lineage
        .iter()
        .map(|received| serde_json::from_slice(&received.body).unwrap())
        .collect();
    let ends: Vec<_> = events
        .iter()
        .map(|event| event["eventType"].clone())
        .collect();
    assert!(ends.contains(&json!("ABORT")), "{ends:?}");
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn nothing_is_sent_unless_it_is_configured() {
    let (project, collector) = (project(), Collector::start());
    let mut command = project.host_with_dbt("run --select orders");
    command
        .env("OTEL_SDK_DISABLED", "true")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address())
        .env("OPENLINEAGE_DISABLED", "true")
        .env("OPENLINEAGE_URL", collector.address());
    project.finish(command).expect(0);
    project.run("run --select orders").expect(0);
    assert_eq!(collector.connections(), 0);
}

/// A collector that takes a connection and never answers, and one that is gone, cost a warning each.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_collector_that_does_not_answer_changes_no_outcome() {
    let (project, silent) = (project(), Collector::silent());
    for (address, why) in [
        (silent.address(), "within 3 seconds"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1: "),
    ] {
        let mut command = project.host_with_dbt("run --select orders");
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", address)
            .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret")
            .env("OPENLINEAGE_URL", address)
            .env("OPENLINEAGE_API_KEY", "secret");
        let ended = project.finish(command);
        ended.expect(0).never_says("secret");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        for what in [
            "OpenTelemetry gets no whole trace",
            "OpenLineage gets no whole run",
        ] {
            let lines: Vec<_> = said.lines().filter(|line| line.contains(what)).collect();
            assert_eq!(lines.len(), 1, "{what}\n{ended}");
            assert!(lines[0].contains(why), "{why}\n{ended}");
        }
    }
    let mut command = project.host_with_dbt("run --select orders");
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", silent.address())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let ended = project.finish(command);
    ended
        .expect(0)
        .says("set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf");
}

/// The events of a run, with the inputs and outputs of each node by the end of the names.
#[track_caller]
pub(crate) fn assert_lineage(project: &Project, collector: &Collector, namespace: &str) {
    let events = collector.json();
    let end = |job: &str| -> &Value {
        let mut ends = events.iter().rev();
        let found = ends.find(|event| event["job"]["name"].as_str().unwrap().ends_with(job));
        found.unwrap_or_else(|| panic!("no event of {job} in {events:#?}"))
    };
    let names = |event: &Value, side: &str| -> Vec<String> {
        let datasets = event[side].as_array().unwrap().iter();
        let name = |dataset: &Value| dataset["name"].as_str().unwrap().to_owned();
        datasets.map(name).collect()
    };
    let command = end("dbt-run-shop");
    assert_eq!(command["eventType"], "FAIL");
    let parent = &command["run"]["facets"]["parent"];
    assert_eq!(
        parent["job"],
        json!({"namespace": "airflow", "name": "dag.task"})
    );
    let doubled = end(".shop.doubled");
    assert_eq!(doubled["eventType"], "COMPLETE");
    let schema = "main";
    let path = |name: &str| format!("shop.{schema}.{name}");
    assert_eq!(names(doubled, "inputs"), [path("orders")]);
    assert_eq!(names(doubled, "outputs"), [path("doubled")]);
    let output = &doubled["outputs"][0];
    assert_eq!(output["namespace"], namespace);
    assert_eq!(
        output["facets"]["schema"]["fields"],
        json!([{"name": "id", "type": "integer", "description": "Its key."}])
    );
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 1);
    let code = &doubled["job"]["facets"]["sourceCode"]["sourceCode"];
    assert_eq!(code, &json!(project.read("models/doubled.py")));
    assert_eq!(doubled["job"]["namespace"], "shop-ci");
    assert_eq!(
        doubled["run"]["facets"]["parent"]["run"]["runId"],
        command["run"]["runId"]
    );
    let total = end(".shop.total");
    assert_eq!(names(total, "inputs"), [path("doubled")]);
    let broken = end(".shop.broken");
    assert_eq!(broken["eventType"], "FAIL");
    let message = broken["run"]["facets"]["errorMessage"]["message"].as_str();
    assert!(message.unwrap().contains("no luck"), "{broken:#}");
    assert!(names(broken, "outputs").is_empty());
}

pub(crate) fn with_lineage(command: &mut Command, collector: &Collector) {
    command
        .env("OPENLINEAGE_URL", collector.address())
        .env("OPENLINEAGE_NAMESPACE", "shop-ci")
        .env(
            "OPENLINEAGE_PARENT_ID",
            "airflow/dag.task/01941f29-7c00-7087-8940-40e5bcf7fd46",
        );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_run_is_lineage() {
    let (project, collector) = (project(), Collector::start());
    let mut command = project.host_with_dbt("run");
    with_lineage(&mut command, &collector);
    project.finish(command).expect(1);
    assert_lineage(&project, &collector, "duckdb://shop.duckdb");
    // dbt 2 does not report its compiled SQL.
    let events = collector.json();
    let queries = events
        .iter()
        .map(|event| &event["job"]["facets"]["sql"]["query"]);
    let mut queries = queries.filter_map(Value::as_str);
    assert!(
        queries.any(|query| query.contains("sum(amount)")),
        "{events:#?}"
    );
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn a_database_server_is_named_by_its_address() {
    let (project, collector) = (Project::bare().on_postgres(), Collector::start());
    project.write("models/orders.sql", "select 1 as id");
    let mut command = project.host_with_dbt("run");
    with_lineage(&mut command, &collector);
    project.finish(command).expect(0);
    let events = collector.json();
    let outputs = events
        .iter()
        .filter_map(|event| event["outputs"][0]["namespace"].as_str());
    for namespace in outputs {
        assert!(namespace.starts_with("postgres://"), "{namespace}");
    }
}
