//! The complete analysis of one file.

use fal_plugin::payload::{Diagnostic, FileKind, PythonAnalysis};
use rustc_hash::FxHashMap;

use crate::{
    context::File,
    dependency,
    flow::{self, Counted},
    imports::imports,
    kind::kind,
    misplaced::misplaced,
    position::Lines,
    tree::Tree,
};

/// Analyses a parsed file.
#[must_use]
pub fn analyse(text: &str, tree: &Tree<'_>) -> PythonAnalysis {
    let lines = Lines::new(text);
    let file = File::new(&lines, tree);
    let (kind, both) = kind(&file);
    let found = dependency::collect(&file);
    let counted = if kind == FileKind::Script {
        flow::count(&file)
    } else {
        Counted::default()
    };
    PythonAnalysis {
        kind,
        docstring: dependency::docstring(&file).map(|(_, text)| text.to_owned()),
        dependencies: found.dependencies,
        unresolved: found.unresolved,
        writes: counted.writes,
        write_count: counted.count,
        imports: imports(&file),
        diagnostics: summed_up(
            misplaced(&file)
                .into_iter()
                .chain(both)
                .chain(counted.diagnostics)
                .chain(found.diagnostics)
                .collect(),
        ),
    }
}

/// How many diagnostics of one code are shown for a file, each with an excerpt.
const SHOWN: usize = 50;

/// Replaces the diagnostics of a code beyond the first [`SHOWN`] by one that gives their number.
fn summed_up(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut counts: FxHashMap<String, usize> = FxHashMap::default();
    diagnostics
        .iter()
        .for_each(|it| *counts.entry(it.code.clone()).or_default() += 1);
    let mut seen: FxHashMap<String, usize> = FxHashMap::default();
    let mut out = Vec::with_capacity(diagnostics.len().min(2 * SHOWN));
    for diagnostic in diagnostics {
        let (all, nth) = (
            counts[&diagnostic.code],
            seen.entry(diagnostic.code.clone()).or_default(),
        );
        *nth += 1;
        if all <= SHOWN || *nth < SHOWN {
            out.push(diagnostic);
        } else if *nth == SHOWN {
            let message = format!(
                "{} more places in this file, this one the first: {}",
                all + 1 - SHOWN,
                diagnostic.message
            );
            out.push(Diagnostic {
                message,
                ..diagnostic
            });
        }
    }
    out
}
