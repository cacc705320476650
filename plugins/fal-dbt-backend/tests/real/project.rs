//! A copy of the DuckDB project, and a session that runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{mpsc, Arc, Mutex},
};

use fal_dbt_backend::DbtBackend;
use fal_plugin::{
    payload::{
        BeginRequest, Event, Lease, LendRequest, Lent, LoadRequest, NodeRequest, NodeResult,
        NodeStatus, NodeWork, PythonModel, PythonWork, Resources, RunGraph, ScriptRole, ScriptWork,
        SettleRequest,
    },
    EventSink, ExecutionBackend, ExecutionSession,
};
use serde_json::{json, Value};
use tempfile::TempDir;

pub(crate) struct Project {
    pub(crate) session: Box<dyn ExecutionSession>,
    events: Mutex<mpsc::Receiver<Event>>,
    pub(crate) folder: TempDir,
}

struct Sink(Mutex<mpsc::Sender<Event>>);

impl EventSink for Sink {
    fn emit(&self, event: Event) {
        let _ = self.0.lock().unwrap().send(event);
    }
}

/// Opens a session for a fresh copy of the project.
pub(crate) fn open() -> Project {
    open_with(json!({}))
}

/// Opens a session with other fields in the request. `config` is the plugin's configuration.
pub(crate) fn open_with(more: Value) -> Project {
    let python = env::var_os("FAL_TEST_DBT_PYTHON").expect(
        "FAL_TEST_DBT_PYTHON must name a Python with dbt-duckdb, pandas and pyarrow (`cargo xtask test` sets it)",
    );
    let folder = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/duckdb_project"),
        folder.path(),
    );
    let state = folder.path().join("target/fal");
    fs::create_dir_all(&state).unwrap();
    let output = json!({"type": "duckdb", "path": folder.path().join("shop.duckdb"), "threads": 2});
    let profiles = json!({"shop": {"target": "dev", "outputs": {"dev": output}}});
    fs::write(folder.path().join("profiles.yml"), profiles.to_string()).unwrap();
    let mut request = json!({
        "project_dir": folder.path(), "profiles_dir": folder.path(), "state_dir": state, "command": "build",
        "execute": true, "python": PathBuf::from(python),
    });
    request
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let (sender, events) = mpsc::channel();
    let backend = DbtBackend::new(&more["config"]).unwrap();
    let session = backend
        .open(
            serde_json::from_value(request).unwrap(),
            Arc::new(Sink(Mutex::new(sender))),
        )
        .unwrap();
    Project {
        session,
        events: Mutex::new(events),
        folder,
    }
}

impl Project {
    /// Loads the project and returns its graph.
    pub(crate) fn load(&self) -> RunGraph {
        let model = |name: &str| PythonModel {
            name: name.into(),
            path: format!("models/{name}.py"),
            stub_path: Some(format!("models/fal/{name}.sql")),
            imports: vec!["pandas".into()],
        };
        let native = |name: &str| PythonModel {
            stub_path: None,
            imports: vec![],
            ..model(name)
        };
        let python_models = vec![
            model("totals"),
            model("misfits"),
            native("doubled"),
            native("counted"),
        ];
        self.session.load(&LoadRequest { python_models }).unwrap()
    }

    /// Loads the project, begins a run of all nodes and returns their ids.
    pub(crate) fn begin(&self) -> Vec<String> {
        let selected: Vec<_> = self
            .load()
            .nodes
            .into_iter()
            .map(|node| node.unique_id)
            .collect();
        self.session
            .begin(&BeginRequest {
                selected: selected.clone(),
                ..BeginRequest::default()
            })
            .unwrap();
        selected
    }

    /// Returns the events that arrived since the last call.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().try_iter().collect()
    }

    /// Returns the lines that models printed, each with its node.
    pub(crate) fn output(&self) -> Vec<(String, String)> {
        self.events
            .lock()
            .unwrap()
            .try_iter()
            .filter_map(output)
            .collect()
    }

    /// Waits until a model prints this line.
    pub(crate) fn await_output(&self, text: &str) {
        let events = self.events.lock().unwrap();
        assert!(
            events
                .iter()
                .filter_map(output)
                .any(|(_, line)| line == text),
            "no model says {text}"
        );
    }

    /// Lets dbt run a node.
    pub(crate) fn dbt(&self, unique_id: &str) -> NodeResult {
        self.session
            .run_node(&NodeRequest::new(unique_id, NodeWork::Dbt))
            .unwrap()
    }

    /// Runs a Python model of the project.
    pub(crate) fn python(&self, name: &str) -> NodeResult {
        let path = format!("models/{name}.py");
        let code = fs::read_to_string(self.folder.path().join(&path)).unwrap();
        self.code(name, &code)
    }

    /// Runs code as a model of the project.
    pub(crate) fn code(&self, name: &str, code: &str) -> NodeResult {
        self.session
            .run_node(&NodeRequest::new(
                format!("model.shop.{name}"),
                python(name, code),
            ))
            .unwrap()
    }

    /// Lends code as a model of the project to a runner.
    pub(crate) fn lend(&self, name: &str, work: NodeWork, timeout: Option<f64>) -> Lent {
        let unique_id = format!("model.shop.{name}");
        let resources = Resources {
            timeout,
            ..Resources::default()
        };
        self.session
            .lend(&LendRequest {
                unique_id,
                work,
                runner: "test".into(),
                resources,
            })
            .unwrap()
    }

    /// Lends code like `lend`, and expects a lease.
    pub(crate) fn lease(&self, name: &str, code: &str) -> Lease {
        match self.lend(name, python(name, code), None) {
            Lent::Lease { lease } => *lease,
            Lent::Ended { result } => panic!("{result:?}"),
        }
    }

    /// Settles a lease with the runner's result.
    pub(crate) fn settle(
        &self,
        name: &str,
        lease: Lease,
        status: NodeStatus,
        message: Option<&str>,
    ) -> NodeResult {
        let result = json!({"unique_id": format!("model.shop.{name}"), "status": status, "message": message});
        let result = serde_json::from_value(result).unwrap();
        self.session
            .settle(&SettleRequest {
                lease: lease.lease,
                result,
            })
            .unwrap()
    }

    /// Runs code as a script of a model, or of none.
    pub(crate) fn script(&self, role: ScriptRole, model: Option<&str>, code: &str) -> NodeResult {
        let python = PythonWork {
            path: "scripts/s.py".into(),
            code: code.into(),
            lines: None,
            environment: None,
        };
        let model = model.map(|name| format!("model.shop.{name}"));
        let arguments = json!({ "greeting": "hello" }).as_object().unwrap().clone();
        let work = NodeWork::Script(ScriptWork {
            python,
            role,
            model,
            arguments,
        });
        self.session
            .run_node(&NodeRequest::new("script.paid.AFTER.s.py", work))
            .unwrap()
    }
}

/// Returns the work of a model in an environment.
pub(crate) fn work_in(name: &str, code: &str, environment: &str) -> NodeWork {
    let path = format!("models/{name}.py");
    NodeWork::Python(PythonWork {
        path,
        code: code.into(),
        lines: None,
        environment: Some(environment.into()),
    })
}

/// Returns the work of a model.
pub(crate) fn python(name: &str, code: &str) -> NodeWork {
    let path = format!("models/{name}.py");
    NodeWork::Python(PythonWork {
        path,
        code: code.into(),
        lines: None,
        environment: None,
    })
}

fn output(event: Event) -> Option<(String, String)> {
    match event {
        Event::Output {
            unique_id, line, ..
        } => Some((unique_id, line)),
        Event::Log { .. } => None,
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry
            .map(|entry| (entry.path(), entry.file_name()))
            .unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}
