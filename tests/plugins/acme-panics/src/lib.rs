//! A plugin that panics wherever it is called.

use std::sync::Arc;

use fal_plugin::{
    payload::{
        Capabilities, NotebookAnalysis, OpenRequest, PythonAnalysis, Stub, StubRequest, StubVerdict, StubVerdictRequest,
    },
    EventSink, ExecutionBackend, ExecutionSession, NotebookParser, ParseError, PluginError, PythonParser, StubWriter,
};

struct Panics;

impl PythonParser for Panics {
    fn parse(&self, path: &str, _text: &str) -> Result<PythonAnalysis, ParseError> {
        panic!("cannot stand {path}")
    }
}

impl NotebookParser for Panics {
    fn extensions(&self) -> Vec<String> {
        vec!["ipynb".to_owned()]
    }

    fn parse(&self, path: &str, _bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        panic!("cannot stand {path}")
    }
}

impl StubWriter for Panics {
    fn folder(&self) -> String {
        "fal".to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        panic!("cannot stand {}", request.path)
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        panic!("cannot stand {}", request.path)
    }
}

impl ExecutionBackend for Panics {
    fn capabilities(&self) -> Capabilities {
        Capabilities { sql: true, python: true, unit_tests: false, ..Capabilities::default() }
    }

    fn open(
        &self,
        request: OpenRequest,
        _events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        panic!("cannot stand {}", request.command)
    }
}

fal_plugin::export_plugin! {
    description: "Panics wherever it is called",
    python_parser: |_config| Ok(Panics),
    notebook_parser: |_config| Ok(Panics),
    stub_writer: |_config| Ok(Panics),
    execution_backend: |_config| Ok(Panics),
}
