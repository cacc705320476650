//! The four stages without faults.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use fal_plugin::{
    manifest::Stage,
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Dependency,
        DependencyKind, DependencyOrigin, FileKind, GraphNode, Lease, LendRequest, Lent, LoadRequest, NodeRequest,
        NodeResult, NotebookAnalysis, OpenRequest, PythonAnalysis, PythonModel, RunGraph, SelectRequest, SessionInfo,
        SettleRequest, Span, Stub, StubRequest, StubVerdict, StubVerdictRequest, WriteCount,
    },
    EventSink, ExecutionBackend, ExecutionSession, NotebookParser, ParseError, PluginError, PythonParser, StubWriter,
};
use serde_json::{json, Value};

use crate::fault::{act, due, inside, mark};

/// A stage of any kind. The called trait method decides which.
pub(crate) struct Good {
    stage: Stage,
    /// Whether the backend is a runner.
    runner: bool,
}

impl Good {
    pub(crate) fn of(stage: Stage, config: &Value) -> Self {
        Self { stage, runner: config["runner"] == true }
    }
}

impl Drop for Good {
    fn drop(&mut self) {
        match due(self.stage.name(), "dropped") {
            Some("panics") => panic!("acme cannot let go"),
            Some(due) => act(due),
            None => {}
        }
    }
}

impl PythonParser for Good {
    fn parse(&self, _path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        inside()?;
        let names = text.lines().filter_map(|line| line.strip_prefix("# needs "));
        let dependencies = names.map(|name| Dependency {
            kind: DependencyKind::Ref,
            text: format!("ref('{name}')"),
            args: vec![name.to_owned()],
            version: None,
            origin: DependencyOrigin::Code,
            span: Span::default(),
        });
        Ok(PythonAnalysis {
            kind: FileKind::Script,
            docstring: None,
            dependencies: dependencies.collect(),
            unresolved: Vec::new(),
            writes: Vec::new(),
            write_count: WriteCount { min: 1, max: Some(1) },
            imports: Vec::new(),
            diagnostics: Vec::new(),
        })
    }
}

impl NotebookParser for Good {
    fn extensions(&self) -> Vec<String> {
        // The signature has no error, so panic.
        inside().unwrap_or_else(|error| panic!("{error}"));
        vec!["pynb".to_owned()]
    }

    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        inside()?;
        let python = String::from_utf8_lossy(bytes).into_owned();
        Ok(NotebookAnalysis { python, lines: Vec::new(), language: Some("python".to_owned()), diagnostics: Vec::new() })
    }
}

impl StubWriter for Good {
    fn folder(&self) -> String {
        inside().unwrap_or_else(|error| panic!("{error}"));
        "acme".to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        inside()?;
        let refs: String = request.dependencies.iter().map(|one| format!("-- {{{{ {} }}}}\n", one.text)).collect();
        let content = format!(
            "-- acme\n{{{{ config(materialized='ephemeral') }}}}\n{refs}select * from {{{{ this }}}}\n-- end\n"
        );
        Ok(Stub { path: format!("acme/{}.sql", request.model), content })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        inside()?;
        Ok(if request.content.starts_with("-- acme\n") { StubVerdict::Ours } else { StubVerdict::Foreign })
    }
}

impl ExecutionBackend for Good {
    fn capabilities(&self) -> Capabilities {
        inside().unwrap_or_else(|error| panic!("{error}"));
        Capabilities { sql: !self.runner, python: true, lends: !self.runner, ..Capabilities::default() }
    }

    fn open(&self, request: OpenRequest, events: Arc<dyn EventSink>) -> Result<Box<dyn ExecutionSession>, PluginError> {
        inside()?;
        Ok(Box::new(Session { runner: self.runner, request, events, cancelled: <_>::default() }))
    }
}

/// A session without a warehouse: it knows only Python models and reports that it ran them.
struct Session {
    runner: bool,
    request: OpenRequest,
    events: Arc<dyn EventSink>,
    cancelled: (Mutex<bool>, Condvar),
}

fn id(name: &str) -> String {
    format!("model.acme.{name}")
}

fn node(model: &PythonModel) -> GraphNode {
    let parents: &[&str] = match model.name.as_str() {
        "b" => &["a"],
        "c" => &["b"],
        "below" => &["fails"],
        _ => &[],
    };
    GraphNode {
        unique_id: id(&model.name),
        name: model.name.clone(),
        resource_type: "model".to_owned(),
        package_name: "acme".to_owned(),
        original_file_path: model.stub_path.clone().unwrap_or_else(|| model.path.clone()),
        fqn: vec!["acme".to_owned(), model.name.clone()],
        depends_on: parents.iter().map(|name| id(name)).collect(),
        ..GraphNode::default()
    }
}

impl Session {
    fn result(&self, unique_id: &str) -> Result<NodeResult, PluginError> {
        let status = if unique_id.ends_with(".fails") { "error" } else { "success" };
        let result = json!({"unique_id": unique_id, "status": status, "message": "ACME"});
        serde_json::from_value(result).map_err(|cause| PluginError::new("acme::result", cause.to_string()))
    }

    /// Waits until the session is cancelled, for tests of interruption.
    fn wait(&self) {
        if std::env::var_os("ACME_WAITS").is_some() {
            mark("ACME_WAITS");
            let (cancelled, changed) = &self.cancelled;
            let cancelled = cancelled.lock().unwrap_or_else(PoisonError::into_inner);
            drop(changed.wait_timeout_while(cancelled, Duration::from_secs(20), |cancelled| !*cancelled));
        }
    }
}

impl ExecutionSession for Session {
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        inside()?;
        let info = SessionInfo {
            project_name: "acme".to_owned(),
            adapter: "acme".to_owned(),
            threads: 2,
            target_path: format!("{}/target", self.request.project_dir),
            ..SessionInfo::default()
        };
        let models = if self.runner { &[][..] } else { &request.python_models };
        Ok(RunGraph { info, nodes: models.iter().map(node).collect() })
    }

    fn select(&self, _request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        inside()?;
        Ok(["a", "b", "c"].map(id).to_vec())
    }

    fn begin(&self, _request: &BeginRequest) -> Result<(), PluginError> {
        inside()
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        inside()?;
        self.wait();
        let event = json!({"event": "output", "unique_id": request.unique_id, "stream": "stdout", "line": "acme ran"});
        if let Ok(event) = serde_json::from_value(event) {
            self.events.emit(event);
        }
        self.result(&request.unique_id)
    }

    fn lend(&self, request: &LendRequest) -> Result<Lent, PluginError> {
        inside()?;
        let script = format!("{}/lease.py", self.request.state_dir);
        Ok(Lent::Lease { lease: Box::new(Lease { lease: request.unique_id.clone(), script, ..Lease::default() }) })
    }

    fn settle(&self, request: &SettleRequest) -> Result<NodeResult, PluginError> {
        inside()?;
        Ok(request.result.clone())
    }

    fn record(&self, _result: &NodeResult) -> Result<(), PluginError> {
        inside()
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        inside()?;
        Ok(CompileResponse { sql: request.sql.clone() })
    }

    fn cancel(&self) {
        let _ = inside();
        *self.cancelled.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.cancelled.1.notify_all();
    }

    fn close(&self, _request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        inside()?;
        Ok(CloseResponse::default())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = inside();
    }
}
