//! The contract of each stage of fal-host as named cases, for authors of plugins.
//!
//! In a test of the plugin's own crate, the stage is checked in process:
//!
//! ```
//! use fal_plugin::{payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest}, PluginError, StubWriter};
//!
//! struct Forgetful;
//!
//! impl StubWriter for Forgetful {
//!     fn folder(&self) -> String {
//!         "stubs".into()
//!     }
//!     fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
//!         let path = format!("stubs/{}.sql", request.path.trim_end_matches(".py"));
//!         Ok(Stub { path, content: "select 1".into() })
//!     }
//!     fn judge(&self, _: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
//!         Ok(StubVerdict::Foreign)
//!     }
//! }
//!
//! let report = fal_plugin_testkit::stub_writer(&Forgetful);
//! assert!(!report.is_ok());
//! assert!(report.to_string().contains("stub-writer/own-stub: A stub just rendered is judged `ours`"));
//! // A plugin's own test says: report.assert_ok();
//! ```
//!
//! `fal-host plugin check LIBRARY` checks a built library in a separate process, so that a plugin
//! that hangs, crashes or prints fails a case. `check_library` does the same in the process of a
//! test.
//!
//! Cases are required or optional. A plugin that passes the required cases works with fal-host.
//! fal-host also works with a plugin that fails an optional case, but its users miss something.
//! Each failure says what was seen and how to fix it.

mod case;
mod execution;
#[cfg(feature = "library")]
pub mod library;
mod notebook;
mod python;
mod report;
mod stub;
mod wire;

use fal_plugin::{ExecutionBackend, NotebookParser, PythonParser, StubWriter, manifest::Stage};

pub use case::{CaseInfo, Need};
#[cfg(feature = "library")]
pub use library::check_library;
pub use report::{CaseReport, Outcome, Report};

use case::Case;

/// Checks a Python parser in process.
pub fn python_parser(parser: &(impl PythonParser + 'static)) -> Report {
    in_process::<dyn PythonParser>(Stage::PythonParser, parser, python::CASES)
}

/// Checks a notebook parser in process.
pub fn notebook_parser(parser: &(impl NotebookParser + 'static)) -> Report {
    in_process::<dyn NotebookParser>(Stage::NotebookParser, parser, notebook::CASES)
}

/// Checks a stub writer in process.
pub fn stub_writer(writer: &(impl StubWriter + 'static)) -> Report {
    in_process::<dyn StubWriter>(Stage::StubWriter, writer, stub::CASES)
}

/// Checks an execution backend in process, with the cases that need no warehouse.
pub fn execution_backend(backend: &(impl ExecutionBackend + 'static)) -> Report {
    in_process::<dyn ExecutionBackend>(Stage::ExecutionBackend, backend, execution::CASES)
}

/// Returns all cases of a stage.
pub fn contract(stage: Stage) -> Vec<CaseInfo> {
    match stage {
        Stage::PythonParser => python::CASES.iter().map(Case::info).collect(),
        Stage::NotebookParser => notebook::CASES.iter().map(Case::info).collect(),
        Stage::StubWriter => stub::CASES.iter().map(Case::info).collect(),
        Stage::ExecutionBackend => execution::CASES.iter().map(Case::info).collect(),
    }
}

fn in_process<S: ?Sized>(kind: Stage, stage: &S, cases: &[Case<S>]) -> Report {
    Report::new(
        format!("{kind}, in process"),
        cases.iter().filter_map(|case| case.run_in_process(stage)),
    )
}
