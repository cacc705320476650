//! A session with the stand-in worker, and helpers for its tests.

#![allow(dead_code, reason = "the program for the flood uses a part")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{mpsc, Arc, Mutex},
};

use fal_dbt_backend::DbtBackend;
use fal_plugin::{
    payload::{
        Event, LoadRequest, NodeRequest, NodeResult, NodeWork, OpenRequest, PythonWork, RunGraph,
    },
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use serde_json::{json, Value};
use tempfile::TempDir;

/// Keeps events, and lets a test wait for one.
pub(crate) struct Sink {
    sender: Mutex<mpsc::Sender<Event>>,
    receiver: Mutex<mpsc::Receiver<Event>>,
}

impl EventSink for Sink {
    fn emit(&self, event: Event) {
        let _ = self.sender.lock().unwrap().send(event);
    }
}

impl Sink {
    pub(crate) fn new() -> Arc<Self> {
        let (sender, receiver) = mpsc::channel();
        Arc::new(Self {
            sender: Mutex::new(sender),
            receiver: Mutex::new(receiver),
        })
    }

    /// Waits for an event for which `wanted` returns a value, and returns that value.
    pub(crate) fn wait<T>(&self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let receiver = self.receiver.lock().unwrap();
        receiver
            .iter()
            .find_map(|event| wanted(&event))
            .expect("the sink lives as long as the session")
    }

    /// Waits for a log message.
    pub(crate) fn wait_log(&self, text: &str) {
        self.wait(|event| {
            matches!(event, Event::Log { message, .. } if message.contains(text)).then_some(())
        });
    }

    /// Waits for a line of output.
    pub(crate) fn wait_output(&self, text: &str) {
        self.wait(|event| {
            matches!(event, Event::Output { line, .. } if line.contains(text)).then_some(())
        });
    }

    /// Returns the lines of output so far.
    pub(crate) fn output(&self) -> Vec<String> {
        let line = |event| match event {
            Event::Output { line, .. } => Some(line),
            Event::Log { .. } => None,
        };
        self.receiver
            .lock()
            .unwrap()
            .try_iter()
            .filter_map(line)
            .collect()
    }
}

/// A session with the stand-in worker.
pub(crate) struct Bench {
    pub(crate) session: Box<dyn ExecutionSession>,
    pub(crate) sink: Arc<Sink>,
    pub(crate) folder: TempDir,
}

/// Opens a session and loads its project.
pub(crate) fn bench(vars: Value) -> Bench {
    let bench = open(vars);
    bench.load().expect("the stand-in loads");
    bench
}

/// Opens a session without loading its project.
pub(crate) fn open(vars: Value) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::new();
    let mut vars = vars;
    vars["pids"] = json!(folder.path());
    let session = backend()
        .open(request(folder.path(), vars), sink.clone())
        .unwrap();
    Bench {
        session,
        sink,
        folder,
    }
}

pub(crate) fn backend() -> DbtBackend {
    let worker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stand_in");
    DbtBackend::new(&Value::Null).unwrap().with_worker(worker)
}

pub(crate) fn request(folder: &Path, vars: Value) -> OpenRequest {
    let request = json!({
        "project_dir": folder, "state_dir": folder, "command": "run", "execute": true, "vars": vars,
        "python": python(),
    });
    serde_json::from_value(request).unwrap()
}

/// Returns the interpreter for the tests: `FAL_TEST_PYTHON`, else `python3` on the path.
fn python() -> PathBuf {
    env::var_os("FAL_TEST_PYTHON").map_or_else(
        || {
            let path = env::var_os("PATH").unwrap_or_default();
            env::split_paths(&path)
                .map(|folder| folder.join("python3"))
                .find(|path| path.is_file())
                .expect("python3")
        },
        PathBuf::from,
    )
}

impl Bench {
    pub(crate) fn load(&self) -> Result<RunGraph, PluginError> {
        self.session.load(&LoadRequest::default())
    }

    /// Lets dbt run a node.
    pub(crate) fn dbt(&self, word: &str) -> Result<NodeResult, PluginError> {
        self.session
            .run_node(&NodeRequest::new(format!("model.p.{word}"), NodeWork::Dbt))
    }

    /// Runs code as a model.
    pub(crate) fn python(&self, code: &str) -> Result<NodeResult, PluginError> {
        let work = PythonWork {
            path: "models/a.py".into(),
            code: code.into(),
            lines: None,
            environment: None,
        };
        self.session
            .run_node(&NodeRequest::new("model.p.a", NodeWork::Python(work)))
    }

    /// Returns the number in a file that the session or a model wrote.
    pub(crate) fn pid(&self, name: &str) -> u32 {
        fs::read_to_string(self.folder.path().join(name))
            .unwrap()
            .trim()
            .parse()
            .unwrap()
    }
}

/// Returns whether a process runs. A zombie does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    !status
        .rsplit(')')
        .next()
        .unwrap()
        .trim_start()
        .starts_with(['Z', 'X'])
}
