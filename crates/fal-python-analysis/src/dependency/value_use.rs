//! `ref` and `source` used as values: `map(ref, ['a', 'b'])` can be resolved, other uses cannot.

use fal_plugin::payload::{Dependency, DependencyKind, DependencyOrigin};

use super::{Found, loops, reference};
use crate::{
    context::{File, Meaning},
    evaluate::Evaluator,
    tree::{Kind, NodeId},
    value::Value,
};

/// Adds what such uses read.
pub(super) fn add(file: &File<'_, '_>, kind: DependencyKind, found: &mut Found) {
    for (id, meaning) in file.uses_of(reference::host_name(kind)) {
        if meaning != Meaning::Host || !is_value(file, id) {
            continue;
        }
        match mapped(file, id, kind) {
            Some(dependencies) => dependencies
                .into_iter()
                .for_each(|dependency| found.add_new(dependency)),
            None => {
                found.add_unresolved(kind, file.source(file.scopes().parent(id)), file.span(id))
            }
        }
    }
}

/// Whether the name is used as a value: neither called nor only tested.
fn is_value(file: &File<'_, '_>, id: NodeId) -> bool {
    let parent = file.scopes().parent(id);
    match file.tree.kind(parent) {
        Kind::Call { .. } => file.tree.kids(parent).first() != Some(&id),
        Kind::Assign
        | Kind::AnnAssign { .. }
        | Kind::Return
        | Kind::Keyword(_)
        | Kind::NamedExpr => true,
        Kind::List | Kind::Tuple | Kind::Dict { .. } | Kind::IfExp | Kind::Lambda => true,
        _ => false,
    }
}

/// Resolves `map(ref, names)`.
fn mapped(file: &File<'_, '_>, id: NodeId, kind: DependencyKind) -> Option<Vec<Dependency>> {
    let call = file.scopes().parent(id);
    let (_, args, _) = file.call(call)?;
    let (first, columns) = args.split_first()?;
    if file.called_name(call) != Some("map") || *first != id {
        return None;
    }
    let mut out = Vec::new();
    for turn in loops::turns(file, call, columns) {
        let values = Evaluator::new(file, &turn).elements(columns, 0)?;
        let columns: Vec<Vec<Value>> = values
            .into_iter()
            .map(Value::items)
            .collect::<Option<_>>()?;
        for row in 0..columns.iter().map(Vec::len).min()? {
            let values: Vec<Value> = columns.iter().map(|column| column[row].clone()).collect();
            out.push(reference::dependency(
                kind,
                &values,
                &[],
                DependencyOrigin::Loop,
                file.span(call),
            )?);
        }
    }
    Some(out)
}
