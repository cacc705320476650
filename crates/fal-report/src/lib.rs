//! What people and programs read about a run: terminal, JSON lines, `run_results.json`, problems in files, errors.
//!
//! This crate consumes values. It sees no process and no plugin, and it reads no clock: every [`RunEvent`] carries its
//! time. (The one exception is the live [`Bar`], which shows how long nodes have been running.)
//!
//! # A run
//! The run loop describes each node once with [`NodeInfo`], and sends everything that happens as [`RunEvent`]s to
//! [`Reporters`], from any thread:
//! ```
//! use fal_report::*;
//!
//! let results = RunResults::new(Default::default(), Default::default(), []).shared();
//! let reporters = Reporters::new();
//! reporters.add(TerminalReporter::new(Box::new(std::io::stdout()), Box::new(std::io::stderr()), Default::default()));
//! reporters.add(results.clone());
//! let node = NodeInfo { name: "orders".into(), kind: NodeKind::PythonModel, ..Default::default() };
//! # let now = jiff::Timestamp::UNIX_EPOCH;
//! reporters.emit(now, EventKind::NodeStarted { index: 1, total: 6, node });
//! reporters.finish()?;
//! # Ok::<(), std::io::Error>(())
//! ```
//! | reporter | writes |
//! |---|---|
//! | [`TerminalReporter`] | lines in dbt's spirit, the summary, the live bar |
//! | [`JsonReporter`] | one JSON object a line: `--log-format json`, and the record `target/fal/events.jsonl` |
//! | [`RunResults`] | dbt's `run_results.json`, when the backend could not write it |
//! | [`Durations`] | how long nodes took, for the next run's schedule |
//!
//! [`replay`] feeds a recorded stream to any reporter.
//!
//! # Which stream
//! For `run` the lines about nodes, what models print and the summary *are* the command's output, as with dbt: they go to
//! the first writer (standard output). Warnings and errors that are not about the end of a node, problems in files and
//! the bar go to the second (standard error). With `--log-format json` all events go to one writer.
//!
//! # Problems and errors
//! [`SourceProblem`] is a problem in a file; [`render_problem`], [`render_problems`], [`github_annotations`], [`sarif`] and
//! [`problems_json`] show it. [`CommandError`] is an error that ended a command, with its
//! code and causes.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod atomic;
mod diagnostic;
mod durations;
mod error;
mod event;
mod excerpt;
mod graph;
mod json;
mod node;
mod printed;
mod problem_formats;
mod replay;
mod reporter;
mod run_results;
mod terminal;
mod theme;

#[cfg(test)]
mod sample;

pub use diagnostic::{SourceProblem, render_problem, render_problems};
pub use durations::Durations;
pub use error::{CommandError, ReportError};
pub use event::{EVENT_VERSION, EventKind, Failure, RunEvent, RunInfo, SkipCause, Summary};
pub use graph::{Member, ProjectGraph};
pub use json::{JsonReporter, event_schema};
pub use node::{NodeInfo, NodeKind, below_model_path};
pub use printed::Printer;
pub use problem_formats::{GithubReporter, github_annotations, problems_json, sarif};
pub use replay::{Replayed, replay};
pub use reporter::{Reporter, Reporters};
pub use run_results::RunResults;
pub use terminal::{Bar, TerminalOptions, TerminalReporter};
pub use theme::Theme;
