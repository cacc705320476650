//! Tests a model that prints 50 MB: all of it arrives, and memory stays small.
//!
//! The test has its own program, since it measures the memory of the whole process.

#[path = "supervisor/support.rs"]
mod support;

use std::{
    fs,
    sync::{
        atomic::{AtomicUsize, Ordering},
        Arc,
    },
};

use fal_plugin::{
    payload::{Event, LoadRequest, NodeRequest, NodeStatus, NodeWork, PythonWork},
    EventSink, ExecutionBackend,
};
use serde_json::json;

#[derive(Default)]
struct Counter {
    bytes: AtomicUsize,
}

impl EventSink for Counter {
    fn emit(&self, event: Event) {
        if let Event::Output { line, .. } = event {
            self.bytes.fetch_add(line.len() + 1, Ordering::SeqCst);
        }
    }
}

fn peak_memory_kb() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn fifty_megabytes_flow() {
    let folder = tempfile::tempdir().unwrap();
    let sink = Arc::new(Counter::default());
    let session = support::backend()
        .open(support::request(folder.path(), json!({})), sink.clone())
        .unwrap();
    session.load(&LoadRequest::default()).unwrap();
    let before = peak_memory_kb();
    let code = "for _ in range(50 * 1024): print('x' * 1023)".to_owned();
    let work = NodeWork::Python(PythonWork {
        path: "models/a.py".into(),
        code,
        lines: None,
        environment: None,
    });
    let result = session
        .run_node(&NodeRequest::new("model.p.a", work))
        .unwrap();
    assert_eq!(result.status, NodeStatus::Success);
    assert_eq!(sink.bytes.load(Ordering::SeqCst), 50 * 1024 * 1024);
    let grown = peak_memory_kb() - before;
    assert!(grown < 8 * 1024, "{grown} kB more");
}
