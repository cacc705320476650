use fal_plugin::payload::NodeStatus;
use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn step(name: &str, from: i64, to: i64) -> Timing {
    Timing {
        name: name.to_owned(),
        started_at: Some(at(from).to_string()),
        completed_at: Some(at(to).to_string()),
    }
}

fn node(name: &str) -> NodeInfo {
    NodeInfo {
        unique_id: format!("model.shop.{name}"),
        name: name.to_owned(),
        kind: NodeKind::PythonModel,
        path: Some(format!("models/{name}.py")),
        ..NodeInfo::default()
    }
}

fn finished(name: &str, status: NodeStatus, timing: Vec<Timing>) -> EventKind {
    let mut result = NodeResult::new(format!("model.shop.{name}"), status);
    result.timing = timing;
    result.message = Some("boom".to_owned());
    EventKind::NodeFinished {
        index: 1,
        total: 1,
        node: node(name),
        result: Box::new(result),
        failure: Failure::default(),
    }
}

/// The spans of these events, by name.
fn spans(events: Vec<(i64, EventKind)>) -> HashMap<String, SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let tracer = provider.tracer("test");
    let mut spans = Spans::new(tracer, Context::new(), "run", provider);
    let info = RunInfo {
        command: "run".to_owned(),
        project_name: "shop".to_owned(),
        adapter: "postgres".to_owned(),
        ..RunInfo::default()
    };
    spans.event(&RunEvent::new(at(0), EventKind::RunStarted { info }));
    for (seconds, kind) in events {
        spans.event(&RunEvent::new(at(seconds), kind));
    }
    spans.finish(None);
    let spans = exporter.get_finished_spans().unwrap();
    spans
        .into_iter()
        .map(|span| (span.name.to_string(), span))
        .collect()
}

fn started(name: &str) -> EventKind {
    EventKind::NodeStarted {
        index: 1,
        total: 1,
        node: node(name),
    }
}

fn times_of(span: &SpanData) -> (Timestamp, Timestamp) {
    let time = |time: SystemTime| Timestamp::try_from(time).unwrap();
    (time(span.start_time), time(span.end_time))
}

#[test]
fn steps_lie_within_each_other() {
    let timing = vec![
        step("execute", 11, 19),
        step("read orders", 13, 14),
        step("write", 16, 18),
        step("compute", 12, 18),
    ];
    let spans = spans(vec![
        (10, started("a")),
        (20, finished("a", NodeStatus::Success, timing)),
    ]);
    let parent = |name: &str| spans[name].parent_span_id;
    let id = |name: &str| spans[name].span_context.span_id();
    assert_eq!(parent("run shop"), SpanId::INVALID);
    assert_eq!(parent("model a"), id("run shop"));
    assert_eq!(parent("execute"), id("model a"));
    assert_eq!(parent("compute"), id("execute"));
    assert_eq!(parent("read orders"), id("compute"));
    assert_eq!(parent("write"), id("compute"));
    assert_eq!(times_of(&spans["model a"]), (at(10), at(20)));
    assert_eq!(times_of(&spans["read orders"]), (at(13), at(14)));
    assert_eq!(spans["model a"].status, Status::Unset);
    let system = KeyValue::new("db.system.name", "postgresql");
    assert!(spans["model a"].attributes.contains(&system));
}

#[test]
fn a_node_that_dbt_ran_before_the_host_asked_has_its_own_times() {
    let spans = spans(vec![
        (30, started("a")),
        (
            31,
            finished("a", NodeStatus::Success, vec![step("execute", 5, 9)]),
        ),
    ]);
    assert_eq!(times_of(&spans["model a"]), (at(5), at(9)));
}

#[test]
fn a_failure_is_an_error_with_its_message() {
    let spans = spans(vec![
        (1, started("a")),
        (2, finished("a", NodeStatus::Error, Vec::new())),
        (
            3,
            EventKind::RunFinished {
                summary: [NodeStatus::Error].into_iter().collect(),
                elapsed: 3.0,
            },
        ),
    ]);
    assert_eq!(spans["model a"].status, Status::error("boom"));
    assert_eq!(
        spans["run shop"].status,
        Status::error("1 of 1 nodes failed")
    );
    let kind = KeyValue::new("error.type", "error");
    assert!(spans["model a"].attributes.contains(&kind));
}
