//! The whole analysis of one file.

use fal_plugin::payload::{PythonAnalysis, WriteCount};

use crate::{
    context::File,
    dependency,
    imports::imports,
    kind::kind,
    position::Lines,
    tree::{Tree, breadth_first},
};

/// Analyses a parsed file.
#[must_use]
pub fn analyse(text: &str, tree: &Tree<'_>) -> PythonAnalysis {
    let lines = Lines::new(text);
    let file = File::new(&lines, tree);
    let order = breadth_first(tree);
    let (kind, both) = kind(&file, &order);
    let found = dependency::collect(&file, &order);
    PythonAnalysis {
        kind,
        docstring: dependency::docstring(&file).map(|(_, text)| text.to_owned()),
        dependencies: found.dependencies,
        unresolved: found.unresolved,
        writes: Vec::new(),
        write_count: WriteCount::default(),
        imports: imports(&file),
        diagnostics: both.into_iter().chain(found.diagnostics).collect(),
    }
}
