//! Tests of requests, answers, events and errors between the host and the session.

use std::thread;

use crate::support::{bench, open};
use fal_plugin::payload::{
    BeginRequest, CloseRequest, CompileRequest, Event, LogLevel, NodeStatus, SelectRequest,
};
use serde_json::json;

#[test]
fn answers_in_reverse_order_reach_their_nodes() {
    let bench = bench(json!({"held": 20}));
    thread::scope(|scope| {
        let run = |number: usize| {
            let bench = &bench;
            scope.spawn(move || bench.dbt(&format!("reversed{number}")).unwrap())
        };
        for (number, thread) in (0..20).map(run).collect::<Vec<_>>().into_iter().enumerate() {
            let result = thread.join().unwrap();
            assert_eq!(
                result.message.unwrap(),
                format!("for model.p.reversed{number}")
            );
        }
    });
}

#[test]
fn a_whole_run() {
    let bench = open(json!({}));
    let graph = bench.load().unwrap();
    assert_eq!(graph.nodes[0].name, "a");
    bench
        .session
        .begin(&BeginRequest {
            selected: vec!["model.p.a".into()],
            ..BeginRequest::default()
        })
        .unwrap();
    let selected = bench
        .session
        .select(&SelectRequest {
            method: "state".into(),
            value: "modified".into(),
        })
        .unwrap();
    assert_eq!(selected, ["state", "modified"]);
    assert_eq!(
        bench
            .session
            .compile(&CompileRequest {
                sql: "select".into()
            })
            .unwrap()
            .sql,
        "SELECT"
    );
    assert_eq!(bench.dbt("a").unwrap().status, NodeStatus::Success);
    let result = bench.python("print('hello')").unwrap();
    assert_eq!(
        (result.status, result.rows_affected),
        (NodeStatus::Success, Some(5))
    );
    assert_eq!(
        (result.timing.len(), bench.sink.output()),
        (1, vec!["hello".to_owned()])
    );
    bench.session.record(&result).unwrap();
    assert!(
        bench
            .session
            .close(&CloseRequest { interrupted: false })
            .unwrap()
            .artifacts_written
    );
}

#[test]
fn an_error_of_the_project_comes_with_code_and_help() {
    let error = open(json!({"parse_error": "line 3"})).load().unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("dbt::parse", "line 3")
    );
    assert_eq!(error.help.unwrap(), "mend it");
}

#[test]
fn a_node_that_dbt_refuses_fails_alone() {
    let bench = bench(json!({}));
    let result = bench.dbt("broken").unwrap();
    assert_eq!(
        (result.status, result.message.as_deref()),
        (NodeStatus::Error, Some("cannot run that"))
    );
    assert_eq!(bench.dbt("fine").unwrap().status, NodeStatus::Success);
}

#[test]
fn events_and_output_of_the_session_are_told() {
    let bench = bench(json!({}));
    assert_eq!(bench.dbt("chatty").unwrap().status, NodeStatus::Success);
    let mut found = vec![];
    while found.len() < 3 {
        let event = bench.sink.wait(|event| Some(event.clone()));
        if let Event::Log {
            level,
            name,
            message,
            ..
        } = event
        {
            found.push((level, name, message));
        }
    }
    found.sort();
    let expected = [
        (
            LogLevel::Debug,
            None,
            "the dbt session (stdout): printed by dbt".to_owned(),
        ),
        (
            LogLevel::Warn,
            None,
            "the dbt session sent an invalid message: not a message".to_owned(),
        ),
        (
            LogLevel::Warn,
            Some("Careful".to_owned()),
            "beware".to_owned(),
        ),
    ];
    assert_eq!(found, expected);
}

#[test]
fn dbt_native_models_run_in_jobs_too() {
    let one =
        bench(json!({"code": "assert request['kind'] == 'native' and request['token'] == 't'"}));
    assert_eq!(one.dbt("native").unwrap().status, NodeStatus::Success);
    let other = bench(json!({"code": "1 / 0"}));
    let result = other.dbt("native").unwrap();
    assert_eq!(result.status, NodeStatus::Error);
    assert!(result.message.unwrap().contains("ZeroDivisionError"));
}
