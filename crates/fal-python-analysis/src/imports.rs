//! Imported modules.

use std::collections::HashSet;

use fal_plugin::payload::Import;

use crate::{
    context::File,
    tree::{Kind, NodeId},
};

/// Returns each module once, in the order of the text.
pub(crate) fn imports(file: &File<'_, '_>) -> Vec<Import> {
    let is_import =
        |id: &NodeId| matches!(file.tree.kind(*id), Kind::Import | Kind::ImportFrom { .. });
    let mut statements: Vec<NodeId> = file.tree.ids().filter(is_import).collect();
    statements.sort_by_key(|id| file.tree.range(*id).0);
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for statement in statements {
        for module in modules(file, statement) {
            if seen.insert(module.clone()) {
                out.push(Import {
                    module,
                    span: file.span(statement),
                });
            }
        }
    }
    out
}

fn modules(file: &File<'_, '_>, statement: NodeId) -> Vec<String> {
    match file.tree.kind(statement) {
        Kind::ImportFrom { module, level } => {
            vec![format!(
                "{}{}",
                ".".repeat(*level as usize),
                module.unwrap_or_default()
            )]
        }
        _ => file
            .tree
            .kids(statement)
            .iter()
            .filter_map(|alias| name(file, *alias))
            .collect(),
    }
}

fn name(file: &File<'_, '_>, alias: NodeId) -> Option<String> {
    if let Kind::Alias { name, .. } = file.tree.kind(alias) {
        Some((*name).to_owned())
    } else {
        None
    }
}
