//! Calls that cannot be followed: in callbacks, methods and lambdas, through other names, in code
//! given as text.

use rustc_hash::FxHashSet;

use super::{
    paths::{Paths, UNBOUNDED},
    walker::Walker,
};
use crate::{
    context::Meaning,
    names::HostName,
    tree::{Context, Kind, NodeId},
};

/// Returns the places where `write_to_model` is used as a value.
pub(super) fn aliases(walker: &Walker<'_, '_, '_>) -> Vec<NodeId> {
    let file = walker.file;
    let is_value = |id: &NodeId| {
        let parent = file.tree.kind(file.scopes().parent(*id));
        file.call_of(*id).is_none()
            && !matches!(parent, Kind::Expr | Kind::Compare { .. } | Kind::If { .. })
    };
    let uses = file
        .uses_of(HostName::WriteToModel)
        .filter(|(_, meaning)| *meaning == Meaning::Host);
    uses.map(|(name, _)| name).filter(is_value).collect()
}

/// Whether the file runs text as code, or holds the name in a string, so that anything may call it.
pub(super) fn hides_a_call(walker: &Walker<'_, '_, '_>) -> bool {
    let file = walker.file;
    let docstring = crate::dependency::docstring(file).map(|(id, _)| id);
    file.tree.ids().any(|id| match file.tree.kind(id) {
        Kind::Call { .. } => matches!(file.called_name(id), Some("exec" | "eval")),
        Kind::Str(text) => {
            text.contains("write_to_model") && Some(id) != docstring && is_used(walker, id)
        }
        Kind::Name("__builtins__", _) => true,
        _ => false,
    })
}

/// Whether a string is used. A string that is a statement is a comment.
fn is_used(walker: &Walker<'_, '_, '_>, id: NodeId) -> bool {
    !matches!(walker.kind(walker.file.scopes().parent(id)), Kind::Expr)
}

/// Counts the calls in functions and lambdas that this file does not call by name, but other code
/// may.
pub(super) fn in_callbacks(walker: &mut Walker<'_, '_, '_>) -> u32 {
    if walker.writes.is_empty() {
        return 0;
    }
    let handed_on = handed_on(walker);
    let mut total: u32 = 0;
    for id in walker.file.tree.ids().collect::<Vec<_>>() {
        let is_function = matches!(walker.kind(id), Kind::FunctionDef { .. } | Kind::Lambda);
        if is_function && walker.is_relevant(id) && may_be_called(walker, &handed_on, id) {
            let flow = walker.function(id);
            total = total.saturating_add(flow.any().map_or(0, |paths: Paths| paths.max));
        }
    }
    total
}

fn may_be_called(walker: &Walker<'_, '_, '_>, handed_on: &FxHashSet<&str>, id: NodeId) -> bool {
    let parent = walker.file.scopes().parent(id);
    match walker.kind(id) {
        Kind::FunctionDef {
            decorators: 0,
            name,
            ..
        } => matches!(walker.kind(parent), Kind::ClassDef { .. }) || handed_on.contains(name),
        Kind::FunctionDef { .. } => true,
        _ if walker.called.contains_key(&id) => false,
        _ => match (
            walker.kind(parent),
            walker
                .kids(parent)
                .first()
                .map(|target| walker.kind(*target)),
        ) {
            (Kind::Assign, Some(Kind::Name(name, _))) => handed_on.contains(name),
            _ => true,
        },
    }
}

/// Returns the names that are read without a call, or called where they may mean several functions.
fn handed_on<'t>(walker: &Walker<'_, 't, '_>) -> FxHashSet<&'t str> {
    let file = walker.file;
    let name = |id: NodeId| {
        let Kind::Name(name, Context::Load) = file.tree.kind(id) else {
            return None;
        };
        let plain = file.call_of(id).is_some()
            && file
                .scopes()
                .resolve_once(name, file.scopes().scope(id))
                .is_some();
        (!plain).then_some(*name)
    };
    file.tree.ids().filter_map(name).collect()
}

/// Returns the maximum, if it has a bound.
pub(super) fn bounded(max: u32) -> Option<u32> {
    (max != UNBOUNDED).then_some(max)
}
