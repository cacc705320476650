//! The payloads of the plugin interface, as versioned JSON.
//!
//! These types grow: every struct ignores fields it does not know, and a field added in a minor version has a default.

mod diagnostic;
mod execution;
mod node;
mod notebook;
mod python;
mod runner;
mod script;
mod stub;

pub use diagnostic::{Diagnostic, Label, Position, Severity, Span};
pub use execution::{
    BeginRequest, Capabilities, CloseRequest, CloseResponse, CommandLine, CommandRequest,
    CompileRequest, CompileResponse, Event, GraphNode, Lineage, LoadRequest, LogLevel, OpenRequest,
    PythonModel, RunGraph, SelectRequest, SessionInfo, Stream,
};
pub use node::{
    ErrorFrame, NodeError, NodeErrorRequest, NodeRequest, NodeResult, NodeStatus, NodeWork,
    PythonWork, Timing, UnitTestWork,
};
pub use notebook::{LineOrigin, NotebookAnalysis};
pub use python::{
    Dependency, DependencyKind, DependencyOrigin, FileKind, Import, PythonAnalysis, UnresolvedCall,
    WriteCall, WriteCount,
};
pub use runner::{GatewayAccess, Lease, LeaseInput, LendRequest, Lent, Resources, SettleRequest};
pub use script::{EnvironmentKind, EnvironmentSpec, ScriptRole, ScriptWork};
pub use stub::{Stub, StubRequest, StubVerdict, StubVerdictRequest};

/// Version of the JSON payloads. A change that an older reader could misread raises it.
pub const PAYLOAD_VERSION: u32 = 1;
