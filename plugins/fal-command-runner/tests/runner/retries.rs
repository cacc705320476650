//! Retries after infrastructure failures.

use fal_plugin::payload::LogLevel;
use serde_json::{json, Value};

use crate::stand::Stand;

/// Creates a stand with a command that counts its attempts in a file; each attempt ends by the
/// next entry of `ends`.
fn stand(ends: &[&str], retries: Value) -> Stand {
    let stand = Stand::new(json!({"command": ["./program"], "retries": retries}));
    let cases: String = ends
        .iter()
        .enumerate()
        .map(|(at, end)| format!("{}) {end};;\n", at + 1))
        .collect();
    let text =
        format!("#!/bin/sh\necho >> count\necho connecting >&2\ncase $(wc -l < count) in\n{cases}*) exit 0;;\nesac\n");
    stand.program("program", &text);
    stand
}

fn attempts(stand: &Stand) -> usize {
    stand.read("count").lines().count()
}

#[test]
fn what_the_infrastructure_did_is_tried_again() {
    let stand = stand(
        &["exit 255", "kill -9 $$"],
        json!({"attempts": 3, "backoff": "10ms"}),
    );
    stand.succeeds("");
    assert_eq!(attempts(&stand), 3);
    let warned = stand.heard(LogLevel::Warn).join("\n");
    let attempts = warned
        .lines()
        .filter(|line| !line.starts_with("Tried again"))
        .collect::<Vec<_>>()
        .join("\n");
    insta::assert_snapshot!(attempts, @r"
    attempt 1 of 3: the command ended with exit code 255
    The command: ./program
    Its last lines on standard error:
      connecting
    attempt 2 of 3: the command was killed by signal 9 (SIGKILL)
    The command: ./program
    Its last lines on standard error:
      connecting
    ");
}

#[test]
fn what_the_model_did_is_not() {
    let stand = stand(&["exit 1"], json!({"attempts": 3, "backoff": 0}));
    assert!(stand
        .fails("")
        .starts_with("the command ended with exit code 1"));
    assert_eq!(attempts(&stand), 1);
}

#[test]
fn only_what_is_listed_is() {
    let failing = stand(
        &["exit 7", "exit 8", "exit 9"],
        json!({"attempts": 5, "backoff": 0, "on": [7, 8]}),
    );
    assert!(failing.fails("").contains("exit code 9"));
    assert_eq!(attempts(&failing), 3);
    let late = Stand::new(
        json!({"command": ["sh", "-c", "echo >> count; exec sleep 1000"], "timeout": "50ms",
        "retries": {"attempts": 2, "backoff": 0, "on": ["timeout"]}}),
    );
    insta::assert_snapshot!(late.fails(""), @r"
    the command was ended after 0.1s, which is its time limit
    The command: sh -c 'echo >> count; exec sleep 1000'
    It was attempt 2 of 2
    ");
    assert_eq!(attempts(&late), 2);
}

#[test]
fn the_last_attempt_is_told() {
    let stand = stand(
        &["exit 255", "exit 255"],
        json!({"attempts": 2, "backoff": 0}),
    );
    assert!(stand.fails("").ends_with("\nIt was attempt 2 of 2"));
}

#[test]
fn an_interruption_ends_the_wait() {
    let stand = stand(
        &["touch ready; exit 255"],
        json!({"attempts": 2, "backoff": "1h", "longest": "1h"}),
    );
    let request = stand.node("", json!({}));
    let (result, ()) = stand.meanwhile(&request, || stand.cancel());
    assert_eq!(result.message.as_deref(), Some("interrupted"));
    assert_eq!(attempts(&stand), 1);
}
