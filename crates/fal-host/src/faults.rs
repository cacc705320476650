//! Faults of single files and nodes: errors for a command that would run them, warnings for all others.

use fal_plugin::payload::{Diagnostic, Label, Severity};
use fal_project::{FileDiagnostic, WrongFile};
use fal_report::{EventKind, Reporters, SourceProblem};
use jiff::Timestamp;

use crate::error::HostError;

/// What a fault keeps from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The model or script in this file, below the project.
    File(String),
    /// Everything attached to the node of this unique id, and the node itself.
    Scripts(String),
    /// The Python model of this unique id: where it runs, and on what.
    Placement(String),
}

/// Problems, and what they keep from running.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) about: About,
    pub(crate) problems: Vec<FileDiagnostic>,
}

/// All faults of single files and nodes of a project.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Collects the errors of files, except of those that the project disables.
    pub(crate) fn from_files(wrong: &[WrongFile], is_disabled: impl Fn(&str) -> bool) -> Self {
        let wrong = wrong.iter().filter(|file| !is_disabled(&file.path));
        Self(
            wrong
                .map(|file| Fault {
                    about: About::File(file.path.clone()),
                    problems: file.problems.clone(),
                })
                .collect(),
        )
    }

    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Fault>) {
        self.0.extend(faults);
    }

    /// Shows faults that do not concern the command, as warnings.
    ///
    /// # Errors
    /// All errors that concern the command.
    pub(crate) fn settle(
        &self,
        reporters: &Reporters,
        concerns: impl Fn(&About) -> bool,
    ) -> Result<(), HostError> {
        let mut files: Vec<FileDiagnostic> = Vec::new();
        for fault in &self.0 {
            let stops = concerns(&fault.about);
            for problem in &fault.problems {
                if !stops || !problem.is_error() {
                    warn(reporters, problem);
                } else if !files.contains(problem) {
                    files.push(problem.clone());
                }
            }
        }
        if files.is_empty() {
            Ok(())
        } else {
            Err(HostError::Scripts { files })
        }
    }

    /// Shows all faults: an error that follows may come from them.
    pub(crate) fn show(&self, reporters: &Reporters) {
        self.0
            .iter()
            .flat_map(|fault| &fault.problems)
            .for_each(|problem| emit(reporters, problem));
    }

    /// Returns the files with errors.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|fault| match &fault.about {
            About::File(path) => Some(path.as_str()),
            About::Scripts(_) | About::Placement(_) => None,
        })
    }
}

fn warn(reporters: &Reporters, problem: &FileDiagnostic) {
    let severity = if problem.is_error() {
        Severity::Warning
    } else {
        problem.severity
    };
    emit(
        reporters,
        &FileDiagnostic {
            severity,
            ..problem.clone()
        },
    );
}

pub(crate) fn emit(reporters: &Reporters, problem: &FileDiagnostic) {
    for problem in source_problems(problem) {
        reporters.emit(
            Timestamp::now(),
            EventKind::Problem {
                problem: Box::new(problem),
            },
        );
    }
}

/// Converts a diagnostic for the reporters: one problem for a file, and one for each cell of a notebook
/// that has labels.
pub fn source_problems(diagnostic: &FileDiagnostic) -> Vec<SourceProblem> {
    let plain = |labels: Vec<Label>, cell: Option<u32>| Diagnostic {
        code: diagnostic.code.clone(),
        severity: diagnostic.severity,
        message: diagnostic.message.clone(),
        labels,
        help: diagnostic.help.clone(),
        cell,
    };
    let path = || diagnostic.path.clone();
    if diagnostic.excerpts.is_empty() {
        let bare = plain(Vec::new(), diagnostic.cell);
        return vec![match diagnostic.cell {
            Some(cell) => SourceProblem::in_cell(path(), cell, String::new(), bare),
            None => SourceProblem::in_file(path(), String::new(), bare),
        }];
    }
    let excerpts = diagnostic.excerpts.iter().map(|excerpt| {
        let marked = plain(excerpt.labels.clone(), excerpt.cell);
        match excerpt.cell {
            Some(cell) => SourceProblem::in_cell(path(), cell, excerpt.source.clone(), marked),
            None => SourceProblem::in_file(path(), excerpt.source.clone(), marked),
        }
    });
    excerpts.collect()
}
