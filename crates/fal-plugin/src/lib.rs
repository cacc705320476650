//! The interface of fal-host plugins: four stage traits, their payloads and the export macro.

pub mod error;
pub mod payload;
pub mod stage;

pub use error::PluginError;
pub use stage::{EventSink, ExecutionBackend, ExecutionSession, NotebookParser, ParseError, PythonParser, StubWriter};
