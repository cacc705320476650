//! A file's diagnostic as the reporters show it.

use fal_plugin::payload::{Diagnostic, Label};
use fal_project::FileDiagnostic;
use fal_report::SourceProblem;

/// The problem with its excerpts: one for a file, one a cell for a notebook whose labels lie in several.
pub fn of(diagnostic: &FileDiagnostic) -> Vec<SourceProblem> {
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
