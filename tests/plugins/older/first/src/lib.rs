//! One plugin that fills all four stages, each in its own visible way.

use std::sync::{Arc, Mutex};

use fal_plugin::{
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CompileRequest, CompileResponse, Dependency,
        DependencyKind, DependencyOrigin, Event, FileKind, GraphNode, LineOrigin, LoadRequest, NodeRequest, NodeResult,
        NodeStatus, NodeWork, NotebookAnalysis, OpenRequest, PythonAnalysis, RunGraph, SelectRequest, SessionInfo,
        Span, Stream, Stub, StubRequest, StubVerdict, StubVerdictRequest, WriteCount,
    },
    EventSink, ExecutionBackend, ExecutionSession, NotebookParser, ParseError, PluginError, PythonParser, StubWriter,
};
use serde_json::{json, Value};

/// Reads dependencies from lines `# needs NAME`.
struct NeedsParser;

impl PythonParser for NeedsParser {
    fn parse(&self, _path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
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

/// Files of Python text with cells between lines `# %%`.
struct PercentNotebooks;

impl NotebookParser for PercentNotebooks {
    fn extensions(&self) -> Vec<String> {
        vec!["pynb".to_owned()]
    }

    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (mut cell, mut line, mut lines) = (1, 0, Vec::new());
        for content in text.lines() {
            (cell, line) = if content.starts_with("# %%") { (cell + 1, 1) } else { (cell, line + 1) };
            lines.push(LineOrigin { cell, line });
        }
        Ok(NotebookAnalysis { python: text, lines, language: Some("python".to_owned()), diagnostics: Vec::new() })
    }
}

/// Writes stubs into a separate folder, with a heading from the configuration.
struct AcmeStubs {
    heading: String,
}

impl StubWriter for AcmeStubs {
    fn folder(&self) -> String {
        "acme".to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        let refs: String = request.dependencies.iter().map(|one| format!("-- {{{{ {} }}}}\n", one.text)).collect();
        let content = format!(
            "-- {}\n{{{{ config(materialized='ephemeral') }}}}\n{refs}select * from {{{{ this }}}}\n",
            self.heading
        );
        Ok(Stub { path: format!("acme/{}.sql", request.model), content })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        let ours = request.content.starts_with(&format!("-- {}\n", self.heading));
        Ok(if ours { StubVerdict::Ours } else { StubVerdict::Foreign })
    }
}

/// A backend without a warehouse: it knows only Python models and reports that it ran them.
struct AcmeBackend;

impl ExecutionBackend for AcmeBackend {
    fn capabilities(&self) -> Capabilities {
        Capabilities { sql: true, python: true }
    }

    fn open(&self, request: OpenRequest, events: Arc<dyn EventSink>) -> Result<Box<dyn ExecutionSession>, PluginError> {
        Ok(Box::new(AcmeSession { request, events, ran: Mutex::default() }))
    }
}

struct AcmeSession {
    request: OpenRequest,
    events: Arc<dyn EventSink>,
    ran: Mutex<Vec<String>>,
}

impl ExecutionSession for AcmeSession {
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        let node = |model: &fal_plugin::payload::PythonModel| GraphNode {
            unique_id: format!("model.acme.{}", model.name),
            name: model.name.clone(),
            resource_type: "model".to_owned(),
            package_name: "acme".to_owned(),
            original_file_path: model.stub_path.clone().unwrap_or_else(|| model.path.clone()),
            fqn: vec!["acme".to_owned(), model.name.clone()],
            ..GraphNode::default()
        };
        let info = SessionInfo {
            project_name: "acme".to_owned(),
            adapter: "acme".to_owned(),
            threads: 2,
            target_path: format!("{}/target", self.request.project_dir),
            ..SessionInfo::default()
        };
        Ok(RunGraph { info, nodes: request.python_models.iter().map(node).collect() })
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        Err(PluginError::new("acme::select", format!("no method `{}`", request.method)))
    }

    fn begin(&self, _request: &BeginRequest) -> Result<(), PluginError> {
        Ok(())
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        let path = match &request.work {
            NodeWork::Python(work) => work.path.clone(),
            NodeWork::Dbt => String::new(),
        };
        let line = format!("acme ran {} from {path}", request.unique_id);
        self.events.emit(Event::Output { unique_id: request.unique_id.clone(), stream: Stream::Stdout, line });
        self.ran.lock().unwrap().push(request.unique_id.clone());
        let result = json!({"unique_id": request.unique_id, "status": NodeStatus::Success, "message": "ACME"});
        serde_json::from_value(result).map_err(|cause| PluginError::new("acme::result", cause.to_string()))
    }

    fn record(&self, _result: &NodeResult) -> Result<(), PluginError> {
        Ok(())
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        Ok(CompileResponse { sql: request.sql.clone() })
    }

    fn cancel(&self) {}

    fn close(&self, _request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        Ok(CloseResponse::default())
    }
}

fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {"heading": {"type": "string", "maxLength": 40}},
        "additionalProperties": false,
    })
}

fn stubs(config: &Value) -> Result<AcmeStubs, PluginError> {
    let heading = config.get("heading").and_then(Value::as_str).unwrap_or("ACME STUB").to_owned();
    Ok(AcmeStubs { heading })
}

fal_plugin::export_plugin! {
    description: "All four stages, each in its own visible way",
    config_schema: config_schema,
    python_parser: |_config| Ok(NeedsParser),
    notebook_parser: |_config| Ok(PercentNotebooks),
    stub_writer: stubs,
    execution_backend: |_config| Ok(AcmeBackend),
}
