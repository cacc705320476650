//! The whole analysis of one file.

use fal_plugin::payload::{FileKind, PythonAnalysis};

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
    let counted = if kind == FileKind::Script { flow::count(&file) } else { Counted::default() };
    PythonAnalysis {
        kind,
        docstring: dependency::docstring(&file).map(|(_, text)| text.to_owned()),
        dependencies: found.dependencies,
        unresolved: found.unresolved,
        writes: counted.writes,
        write_count: counted.count,
        imports: imports(&file),
        diagnostics: misplaced(&file)
            .into_iter()
            .chain(both)
            .chain(counted.diagnostics)
            .chain(found.diagnostics)
            .collect(),
    }
}
