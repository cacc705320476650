//! The interface of fal-host plugins: four stage traits, their payloads and the export macro.
//!
//! A plugin is a dynamic library (`cdylib`) that implements one or more of the traits in [`stage`] and names them in
//! [`export_plugin!`]. The host calls the very same traits on what it loaded: [`wire`] carries the calls over the boundary
//! as JSON, [`abi`] holds the few types of the boundary itself.
//!
//! | stage | trait | gets | gives |
//! |---|---|---|---|
//! | `python-parser` | [`PythonParser`] | path, text | [`payload::PythonAnalysis`] |
//! | `notebook-parser` | [`NotebookParser`] | path, bytes | [`payload::NotebookAnalysis`] |
//! | `stub-writer` | [`StubWriter`] | [`payload::StubRequest`] | [`payload::Stub`] |
//! | `execution-backend` | [`ExecutionBackend`] | [`payload::OpenRequest`] | an [`ExecutionSession`] |
//!
//! The crate's version is the version of the interface. It follows Semantic Versioning: a minor version only adds, with
//! defaults, and a plugin built with an older minor version keeps loading. The rules are in `docs/plugins/versions.md`;
//! [`schema`] has the JSON schema of every message. Whether a plugin does what the host expects of its stage is checked by
//! the crate `fal-plugin-testkit` and by `fal-host plugin check`.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod abi;
pub mod error;
mod export;
pub mod manifest;
mod nearest;
pub mod payload;
pub mod process;
pub mod schema;
pub mod stage;
pub mod wire;

pub use error::PluginError;
#[doc(hidden)]
pub use nearest::nearest;
pub use stage::{
    EventSink, ExecutionBackend, ExecutionSession, NotebookParser, ParseError, PythonParser,
    StubWriter,
};

/// Items that the macro's expansion uses.
#[doc(hidden)]
pub mod __private {
    pub use abi_stable;
    pub use serde_json::Value;

    pub use crate::{
        abi::{HostBox, PluginRoot, PluginRootRef, StageBox},
        export::{make, manifest_json, no_such_stage, open_stage, Served},
    };
}
