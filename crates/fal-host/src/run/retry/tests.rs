//! Artifacts of dbt, and records of events of fal-host.

use std::{
    fs::{self, File},
    sync::Arc,
};

use fal_plugin::payload::{NodeResult, NodeStatus, ScriptRole};
use fal_report::{EventKind, Failure, JsonReporter, NodeInfo, Reporters, RunInfo, SkipCause};
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::*;

/// A folder with these files, read. `age` is how much older the results are than the record.
fn read_aged(results: &str, events: Option<&[u8]>, age: i64) -> Result<Retry, RetryError> {
    let folder = tempfile::tempdir().unwrap();
    let [path, record] = ["run_results.json", "events.jsonl"].map(|file| folder.path().join(file));
    fs::write(&path, results).unwrap();
    if let Some(events) = events {
        fs::write(&record, events).unwrap();
        let modified = |path| fs::metadata(path).and_then(|data| data.modified()).unwrap();
        let older =
            Timestamp::try_from(modified(&record)).unwrap() - SignedDuration::from_secs(age);
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(older.into()).unwrap();
    }
    Retry::read(&path, &record)
}

fn read(results: &str, events: Option<&[u8]>) -> Result<Retry, RetryError> {
    read_aged(results, events, 0)
}

const RESULTS: &str = r#"{"metadata": {"invocation_id": "i1"}, "args": {"which": "build"}, "results": [
    {"unique_id": "model.shop.a", "status": "success"}, {"unique_id": "model.shop.b", "status": "error"},
    {"unique_id": "test.shop.c", "status": "fail"}, {"unique_id": "test.shop.d", "status": "warn"},
    {"unique_id": "test.shop.e", "status": "pass"}, {"unique_id": "model.shop.f", "status": "skipped"},
    {"unique_id": "model.shop.g", "status": "partial success"}, {"unique_id": "seed.shop.h", "status": "runtime error"},
    {"unique_id": "operation.shop.on-run-end-0", "status": "error"}, {"unique_id": "saved.i", "status": "no-op"}]}"#;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A record in which one script ended well, one failed, one was skipped.
fn events(invocation: &str) -> Vec<u8> {
    let (buffer, reporters) = (Buffer::default(), Reporters::new());
    reporters.add(JsonReporter::new(Box::new(buffer.clone()), ""));
    let script = |id: &str| NodeInfo::script(id, "py/x.py", ScriptRole::After, Some("a"));
    let ended = |id: &str, status| EventKind::NodeFinished {
        index: 1,
        total: 3,
        node: script(id),
        result: Box::new(NodeResult::new(id, status)),
        failure: Failure::default(),
    };
    let (invocation_id, runner) = (invocation.to_owned(), Some("acme".to_owned()));
    let info = RunInfo {
        invocation_id,
        runner,
        ..RunInfo::default()
    };
    let kinds = [
        EventKind::RunStarted { info },
        ended("script.well", NodeStatus::Success),
        ended("script.failed", NodeStatus::Error),
        EventKind::NodeSkipped {
            index: 3,
            total: 3,
            node: script("script.skipped"),
            cause: SkipCause::FailFast,
        },
    ];
    kinds
        .into_iter()
        .for_each(|kind| reporters.emit(Timestamp::now(), kind));
    reporters.finish().unwrap();
    std::mem::take(&mut *buffer.0.lock())
}

fn nodes(retry: &Retry) -> String {
    retry
        .nodes
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn what_failed_or_was_skipped_is_left() {
    let retry = read(RESULTS, None).unwrap();
    insta::assert_snapshot!(nodes(&retry), @"model.shop.b model.shop.f model.shop.g seed.shop.h test.shop.c");
    assert_eq!(retry.command(), "build");
}

#[test]
fn scripts_are_left_too_if_the_record_is_of_the_same_invocation() {
    let with = read(RESULTS, Some(&events("i1"))).unwrap();
    let scripts = with
        .nodes
        .iter()
        .filter(|id| id.starts_with("script."))
        .collect::<Vec<_>>();
    assert_eq!(scripts, ["script.failed", "script.skipped"]);
    assert_eq!(
        read(RESULTS, Some(&events("i2"))).unwrap().nodes,
        read(RESULTS, None).unwrap().nodes
    );
}

#[test]
fn models_go_where_they_went() {
    let runner = |invocation: &str| {
        read(RESULTS, Some(&events(invocation)))
            .unwrap()
            .options(None)
            .runner
    };
    assert_eq!(
        (runner("i1").as_deref(), runner("i2")),
        (Some("acme"), None)
    );
}

#[test]
fn when_all_ended_well_nothing_is_left() {
    let all_well = r#"{"args": {"which": "run"}, "results": [{"unique_id": "model.shop.a", "status": "success"}]}"#;
    assert!(read(all_well, None).unwrap().is_empty());
}

#[test]
fn other_commands_and_nonsense_are_refused() {
    let error = |text: &str| read(text, None).unwrap_err();
    assert!(matches!(
        error(r#"{"args": {"which": "generate"}, "results": []}"#),
        RetryError::Command { .. }
    ));
    for text in ["{", "{}", r#"{"results": []}"#] {
        assert!(
            matches!(error(text), RetryError::BadLastRun { .. }),
            "{text}"
        );
    }
    let nowhere = Path::new("/nonexistent/run_results.json");
    assert!(matches!(
        Retry::read(nowhere, nowhere),
        Err(RetryError::NoLastRun { .. })
    ));
}

/// The record of a command whose project was refused: it has neither a beginning nor an end.
fn ended_early(before: &str, newest_is_record: bool) -> Result<Retry, RetryError> {
    read_aged(before, Some(b""), if newest_is_record { 60 } else { -60 })
}

#[test]
fn a_command_without_results_behind_the_last_ones_is_known() {
    assert!(ended_early(RESULTS, true).unwrap().is_of_earlier());
    // A command of dbt's came after it.
    assert!(!ended_early(RESULTS, false).unwrap().is_of_earlier());
    // The record is whole and of another command: `hooks`, which has no artifact.
    assert!(!read(RESULTS, None).unwrap().is_of_earlier());
    let error = RetryError::EndedEarly;
    insta::assert_snapshot!(format!("{error}\n{}", error.help()), @"
    the last command ended before it had results: there is nothing to try again
    run the command itself again: `retry` only knows nodes that ran
    ");
}
