//! Tests of the JSON lines and of replaying them.

use fal_plugin::payload::LogLevel;
use serde_json::Value;

use crate::replay::KNOWN;
use crate::sample::{self, Page};
use crate::{
    EVENT_VERSION, JsonReporter, Replayed, Reporter, RunEvent, TerminalReporter, event_schema,
    replay,
};

fn lines(events: &[RunEvent]) -> String {
    let page = Page::default();
    let mut reporter = JsonReporter::new(page.boxed(), "before-the-start");
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish().unwrap();
    page.text()
}

/// Returns the lines of events, without those that only dbt has.
fn of_events(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    lines
        .filter(|line| line.contains("\"data\":{\"event\":"))
        .collect()
}

fn all() -> Vec<RunEvent> {
    [
        sample::success(),
        sample::failure(),
        sample::interrupted(),
        sample::scripts(),
        sample::messages(),
    ]
    .concat()
}

/// Keeps the events that it receives.
#[derive(Default)]
struct Ear(Vec<RunEvent>);

impl Reporter for Ear {
    fn event(&mut self, event: &RunEvent) {
        self.0.push(event.clone());
    }
}

fn hear(text: &str) -> (Replayed, Vec<RunEvent>) {
    let mut ear = Ear::default();
    let replayed = replay(text.as_bytes(), &mut ear).unwrap();
    (replayed, ear.0)
}

#[test]
fn every_event_is_one_line_with_the_envelope_of_dbt() {
    let text = lines(&all());
    assert_eq!(of_events(&text).lines().count(), all().len());
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        for key in [
            "name",
            "level",
            "ts",
            "msg",
            "invocation_id",
            "code",
            "thread",
            "category",
        ] {
            assert!(line["info"][key].is_string(), "{key} in {line}");
        }
        assert_eq!(line["info"]["event_version"], EVENT_VERSION);
        let is_dbts = line["info"]["code"].as_str() != Some("");
        assert!(is_dbts || line["data"]["event"].is_string(), "{line}");
    }
}

#[test]
fn the_form_of_the_lines() {
    let text = of_events(&lines(&sample::failure()));
    let shown = |number: usize| {
        let line: Value = serde_json::from_str(text.lines().nth(number).unwrap()).unwrap();
        format!("{line:#}")
    };
    insta::assert_snapshot!(shown(1), @r#"
    {
      "info": {
        "category": "",
        "code": "Q011",
        "event_version": 1,
        "extra": {},
        "invocation_id": "6d3dda8b-aa88-4a4c-bba6-915f98eb26d5",
        "level": "info",
        "msg": "1 of 4 START sql view model main.stg_orders",
        "name": "LogStartLine",
        "thread": "MainThread",
        "ts": "2026-11-22T12:03:14.250000Z"
      },
      "data": {
        "event": "node_started",
        "index": 1,
        "total": 4,
        "node": {
          "unique_id": "model.shop.stg_orders",
          "name": "stg_orders",
          "kind": "sql_model",
          "materialized": "view",
          "database": "shop",
          "schema": "main",
          "alias": "stg_orders",
          "relation_name": "\"shop\".\"main\".\"stg_orders\"",
          "path": "models/staging/stg_orders.sql",
          "compiled_path": null
        },
        "description": "sql view model main.stg_orders",
        "node_info": {
          "materialized": "view",
          "meta": {},
          "node_checksum": "",
          "node_finished_at": "",
          "node_name": "stg_orders",
          "node_path": "models/staging/stg_orders.sql",
          "node_relation": {
            "alias": "stg_orders",
            "database": "shop",
            "relation_name": "\"shop\".\"main\".\"stg_orders\"",
            "schema": "main"
          },
          "node_started_at": "2026-11-22T12:03:14.250000",
          "node_status": "started",
          "resource_type": "model",
          "unique_id": "model.shop.stg_orders"
        }
      }
    }
    "#);
    insta::assert_snapshot!(shown(5), @r#"
    {
      "info": {
        "category": "",
        "code": "Q012",
        "event_version": 1,
        "extra": {},
        "invocation_id": "6d3dda8b-aa88-4a4c-bba6-915f98eb26d5",
        "level": "error",
        "msg": "2 of 4 ERROR python table model main.customer_clusters in 0.50s",
        "name": "LogModelResult",
        "thread": "Thread-1 (worker)",
        "ts": "2026-11-22T12:03:15.250000Z"
      },
      "data": {
        "event": "node_finished",
        "index": 2,
        "total": 4,
        "node": {
          "unique_id": "model.shop.customer_clusters",
          "name": "customer_clusters",
          "kind": "python_model",
          "materialized": "table",
          "database": "shop",
          "schema": "main",
          "alias": "customer_clusters",
          "relation_name": "\"shop\".\"main\".\"customer_clusters\"",
          "path": "models/customer_clusters.py",
          "compiled_path": null
        },
        "result": {
          "unique_id": "model.shop.customer_clusters",
          "status": "error",
          "message": "Traceback (most recent call last):\n  File \"models/customer_clusters.py\", line 12, in <module>\n    labels = fit(frame)\n  File \"models/customer_clusters.py\", line 7, in fit\n    raise ValueError(\"no customers\")\nValueError: no customers\n",
          "execution_time": 0.5,
          "rows_affected": null,
          "failures": null,
          "timing": [
            {
              "name": "execute",
              "started_at": "2026-11-22T12:03:14.250000Z",
              "completed_at": "2026-11-22T12:03:14.500000Z"
            }
          ],
          "thread_id": "Thread-1 (worker)",
          "adapter_response": {},
          "compiled": null,
          "compiled_code": null,
          "relation_name": "\"shop\".\"main\".\"customer_clusters\""
        },
        "description": "python table model main.customer_clusters",
        "node_info": {
          "materialized": "table",
          "meta": {},
          "node_checksum": "",
          "node_finished_at": "2026-11-22T12:03:15.250000",
          "node_name": "customer_clusters",
          "node_path": "models/customer_clusters.py",
          "node_relation": {
            "alias": "customer_clusters",
            "database": "shop",
            "relation_name": "\"shop\".\"main\".\"customer_clusters\"",
            "schema": "main"
          },
          "node_started_at": "2026-11-22T12:03:14.500000",
          "node_status": "error",
          "resource_type": "model",
          "unique_id": "model.shop.customer_clusters"
        },
        "status": "error",
        "execution_time": 0.5,
        "num_failures": 0
      }
    }
    "#);
    insta::assert_snapshot!(text.lines().nth(4).unwrap(), @r#"{"info":{"category":"","code":"","event_version":1,"extra":{},"invocation_id":"6d3dda8b-aa88-4a4c-bba6-915f98eb26d5","level":"info","msg":"customer_clusters | about to fail","name":"NodeOutput","thread":"MainThread","ts":"2026-11-22T12:03:15.000000Z"},"data":{"event":"node_output","unique_id":"model.shop.customer_clusters","name":"customer_clusters","stream":"stdout","line":"about to fail"}}"#);
    insta::assert_snapshot!(text.lines().nth(6).unwrap(), @r#"{"info":{"category":"","code":"Q034","event_version":1,"extra":{},"invocation_id":"6d3dda8b-aa88-4a4c-bba6-915f98eb26d5","level":"info","msg":"3 of 4 SKIP sql table model main.report","name":"SkippingDetails","thread":"MainThread","ts":"2026-11-22T12:03:15.500000Z"},"data":{"event":"node_skipped","index":3,"total":4,"node":{"unique_id":"model.shop.report","name":"report","kind":"sql_model","materialized":"table","database":"shop","schema":"main","alias":"report","relation_name":"\"shop\".\"main\".\"report\"","path":"models/report.sql","compiled_path":null},"cause":{"why":"upstream","unique_id":"model.shop.customer_clusters","name":"customer_clusters"},"description":"sql table model main.report","node_info":{"materialized":"table","meta":{},"node_checksum":"","node_finished_at":"","node_name":"report","node_path":"models/report.sql","node_relation":{"alias":"report","database":"shop","relation_name":"\"shop\".\"main\".\"report\"","schema":"main"},"node_started_at":"","node_status":"skipped","resource_type":"model","unique_id":"model.shop.report"},"resource_type":"model","node_name":"report","schema":"main"}}"#);
    insta::assert_snapshot!(text.lines().last().unwrap(), @r#"{"info":{"category":"","code":"Z023","event_version":1,"extra":{},"invocation_id":"6d3dda8b-aa88-4a4c-bba6-915f98eb26d5","level":"info","msg":"Done. PASS=0 WARN=1 ERROR=2 SKIP=1 NO-OP=0 TOTAL=4","name":"StatsLine","thread":"MainThread","ts":"2026-11-22T12:03:16.250000Z"},"data":{"event":"run_finished","summary":{"pass":0,"warn":1,"error":2,"skip":1,"noop":0,"total":4},"elapsed":3723.456,"stats":{"pass":0,"warn":1,"error":2,"skip":1,"noop":0,"total":4},"execution_time":3723.456}}"#);
}

#[test]
fn names_of_events_are_those_of_dbt_where_dbt_has_them() {
    let text = lines(&sample::success());
    let names = text.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["info"]["name"].as_str().unwrap().to_owned()
    });
    insta::assert_snapshot!(names.collect::<Vec<_>>().join(" "), @"StubsWritten MainReportVersion RunStarted AdapterRegistered FoundStats ConcurrencyLine LogStartLine LogSeedResult LogStartLine LogModelResult LogStartLine LogStartLine NodeOutput NodeOutput NodeOutput NodeOutput LogModelResult LogStartLine LogTestResult LogModelResult FinishedRunningStats EndOfRunSummary StatsLine CommandCompleted");
}

#[test]
fn the_schema_names_every_event_that_is_read() {
    let schema = event_schema();
    let events = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["properties"]["event"]["const"]);
    assert_eq!(events.collect::<Vec<_>>(), KNOWN);
}

#[test]
fn a_record_tells_the_same_again() {
    let (replayed, heard) = hear(&lines(&all()));
    assert_eq!(heard, all());
    let of_dbt = lines(&all()).lines().count() - all().len();
    assert_eq!(
        replayed,
        Replayed {
            events: all().len() as u64,
            unknown: of_dbt as u64,
            truncated: false,
        }
    );
}

#[test]
fn a_record_shows_the_same_on_the_terminal() {
    let show = |tell: &dyn Fn(&mut TerminalReporter)| {
        let (out, err) = (Page::default(), Page::default());
        tell(&mut TerminalReporter::new(
            out.boxed(),
            err.boxed(),
            Default::default(),
        ));
        (out.text(), err.text())
    };
    let live = show(&|reporter| all().iter().for_each(|event| reporter.event(event)));
    let again = show(&|reporter| {
        replay(lines(&all()).as_bytes(), reporter).unwrap();
    });
    assert_eq!(live, again);
}

#[test]
fn a_record_that_breaks_off_is_read_up_to_there() {
    let text = of_events(&lines(&sample::failure()));
    let (replayed, heard) = hear(&text[..text.len() - 20]);
    assert!(replayed.truncated);
    assert_eq!(heard, sample::failure()[..heard.len()]);
    assert_eq!(heard.len() + 1, sample::failure().len());
}

#[test]
fn later_events_are_passed_over_and_later_versions_refused() {
    let line = |version: u32, event: &str| {
        format!(
            "{{\"info\":{{\"ts\":\"2026-11-22T12:00:00Z\",\"event_version\":{version}}},\"data\":{{\"event\":\"{event}\"}}}}\n"
        )
    };
    let (replayed, heard) = hear(&line(EVENT_VERSION, "node_teleported"));
    assert_eq!((replayed.unknown, heard.len()), (1, 0));
    let error = |text: String| {
        replay(text.as_bytes(), &mut Ear::default())
            .unwrap_err()
            .to_string()
    };
    insta::assert_snapshot!(error(line(EVENT_VERSION + 1, "log")), @"line 1 of the recorded events has version 2; this program reads up to 1");
    insta::assert_snapshot!(error(line(EVENT_VERSION, "log")), @"line 1 of the recorded events is not an event");
    insta::assert_snapshot!(error("{}\n".into()), @"line 1 of the recorded events is not an event");
}

#[test]
fn lines_that_only_dbt_has() {
    let shown = |events: &[RunEvent]| {
        let text = lines(events);
        let text: Vec<_> = text.lines().collect();
        let of_dbt = text
            .iter()
            .filter(|line| !line.contains("\"data\":{\"event\":"));
        let of_dbt = of_dbt.map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let (info, data) = (&line["info"], &line["data"]);
            let word = |name: &str| info[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {}: {} {data}",
                word("code"),
                word("name"),
                word("level"),
                word("msg")
            )
        });
        of_dbt.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown(&sample::success()), @r#"
    A001 MainReportVersion info: Running with dbt=1.11.2 {"version":"=1.11.2","log_version":3}
    E034 AdapterRegistered info: Registered adapter: duckdb=1.10.0 {"adapter_name":"duckdb","adapter_version":"=1.10.0"}
    W006 FoundStats info: Found 2 models, 1 notebook model, 1 python model, 1 seed {"stat_line":"2 models, 1 notebook model, 1 python model, 1 seed"}
    Q027 ConcurrencyLine info: Concurrency: 2 threads (target='dev') {"num_threads":2,"target_name":"dev","node_count":5}
    E047 FinishedRunningStats info: Finished running 1 data test, 1 notebook model, 1 python model, 1 seed, 1 view model in 0 hours 0 minutes and 3.21 seconds (3.21s). {"stat_line":"1 data test, 1 notebook model, 1 python model, 1 seed, 1 view model","execution":" in 0 hours 0 minutes and 3.21 seconds","execution_time":3.21}
    Z030 EndOfRunSummary info: Completed successfully {"num_errors":0,"num_warnings":0,"num_partial_success":0,"keyboard_interrupt":false}
    Q039 CommandCompleted debug: Command `run` succeeded after 3.21 seconds {"command":"run","completed_at":"2026-11-22T12:03:18.000000Z","elapsed":3.21,"success":true}
    "#);
    insta::assert_snapshot!(shown(&sample::failure()), @r#"
    A001 MainReportVersion info: Running with dbt=1.11.2 {"version":"=1.11.2","log_version":3}
    E034 AdapterRegistered info: Registered adapter: duckdb=1.10.0 {"adapter_name":"duckdb","adapter_version":"=1.10.0"}
    W006 FoundStats info: Found 2 models, 1 notebook model, 1 python model, 1 seed {"stat_line":"2 models, 1 notebook model, 1 python model, 1 seed"}
    Q027 ConcurrencyLine info: Concurrency: 2 threads (target='dev') {"num_threads":2,"target_name":"dev","node_count":4}
    E047 FinishedRunningStats info: Finished running 1 data test, 1 python model, 1 table model, 1 view model in 1 hour 2 minutes and 3.46 seconds (3723.46s). {"stat_line":"1 data test, 1 python model, 1 table model, 1 view model","execution":" in 1 hour 2 minutes and 3.46 seconds","execution_time":3723.456}
    Z030 EndOfRunSummary info: Completed with 2 errors, 0 partial successes, and 1 warning: {"num_errors":2,"num_warnings":1,"num_partial_success":0,"keyboard_interrupt":false}
    Q039 CommandCompleted debug: Command `run` failed after 3723.46 seconds {"command":"run","completed_at":"2026-11-22T12:03:16.250000Z","elapsed":3723.456,"success":false}
    "#);
    insta::assert_snapshot!(shown(&sample::interrupted()), @r#"
    A001 MainReportVersion info: Running with dbt=1.11.2 {"version":"=1.11.2","log_version":3}
    E034 AdapterRegistered info: Registered adapter: duckdb=1.10.0 {"adapter_name":"duckdb","adapter_version":"=1.10.0"}
    W006 FoundStats info: Found 2 models, 1 notebook model, 1 python model, 1 seed {"stat_line":"2 models, 1 notebook model, 1 python model, 1 seed"}
    Q027 ConcurrencyLine info: Concurrency: 2 threads (target='dev') {"num_threads":2,"target_name":"dev","node_count":3}
    E047 FinishedRunningStats info: Finished running 1 python model, 1 view model in 0 hours 0 minutes and 1.50 seconds (1.50s). {"stat_line":"1 python model, 1 view model","execution":" in 0 hours 0 minutes and 1.50 seconds","execution_time":1.5}
    Z030 EndOfRunSummary info: Exited because of keyboard interrupt {"num_errors":1,"num_warnings":0,"num_partial_success":0,"keyboard_interrupt":true}
    Q039 CommandCompleted debug: Command `run` failed after 1.50 seconds {"command":"run","completed_at":"2026-11-22T12:03:15.750000Z","elapsed":1.5,"success":false}
    "#);
}

/// The code of the error, beside dbt's own `info.code` for the kind of event.
#[test]
fn an_error_has_its_code_as_a_field() {
    let text = lines(&sample::messages());
    let line = text
        .lines()
        .find(|line| line.contains(r#""event":"error""#));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["info"]["level"], "error");
    insta::assert_snapshot!(line["info"]["msg"].as_str().unwrap(), @"dbt cannot read the project [dbt::parse]");
    insta::assert_snapshot!(line["data"], @r#"{"event":"error","code":"dbt::parse","message":"dbt cannot read the project","causes":["orders.sql is not UTF-8"],"help":"save it as UTF-8"}"#);
}

#[test]
fn light_events_can_be_left_out() {
    let page = Page::default();
    let mut reporter = JsonReporter::new(page.boxed(), "").at_least(LogLevel::Error);
    all().iter().for_each(|event| reporter.event(event));
    let text = page.text();
    assert!(
        text.lines().all(|line| line.contains(r#""level":"error""#)),
        "{text}"
    );
    assert_eq!(
        text.lines().count(),
        7,
        "two failures, one interrupted node, one hook and its model, one message, one error: {text}"
    );
}

#[test]
fn a_failure_points_at_the_line_and_at_the_cells_line() {
    let events = sample::failed_with_frames();
    let text = lines(&events);
    let failures: Vec<String> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            format!("{} {}", line["data"]["code"], line["data"]["frames"])
        })
        .collect();
    insta::assert_snapshot!(failures.join("\n"), @r#"
    "exception" [{"file":"models/customer_clusters.py","cell":null,"line":12,"text":"labels = fit(frame)"},{"file":"scripts/fit, all.py","cell":null,"line":7,"text":"raise ValueError()"}]
    "exception" [{"file":"models/forecast.ipynb","cell":3,"line":2,"text":"raise ValueError()"}]
    null null
    "#);
    assert_eq!(hear(&text).1, events);
}
