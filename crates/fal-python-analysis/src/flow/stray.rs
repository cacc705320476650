//! Calls that nobody can follow: in callbacks, methods and lambdas, through other names, in code given as text.

use super::{
    paths::{Paths, UNBOUNDED},
    walker::Walker,
};
use crate::{
    context::Meaning,
    tree::{Context, Kind, NodeId},
};

/// Where `write_to_model` is used as a value.
pub(super) fn aliases(walker: &Walker<'_, '_, '_>) -> Vec<NodeId> {
    let file = walker.file;
    let is_alias = |id: &NodeId| {
        let parent = file.scopes.parent(*id);
        matches!(file.tree.kind(*id), Kind::Name("write_to_model", Context::Load))
            && file.meaning("write_to_model", file.scopes.scope(*id)) == Meaning::Ours
            && file.call(parent).is_none_or(|(function, ..)| function != *id)
            && !matches!(file.tree.kind(parent), Kind::Expr | Kind::Compare { .. } | Kind::If { .. })
    };
    file.tree.ids().filter(is_alias).collect()
}

/// Whether the file runs text as code, or holds the name in a string: then anything may call it.
pub(super) fn hides_a_call(walker: &Walker<'_, '_, '_>) -> bool {
    let file = walker.file;
    let docstring = crate::dependency::docstring(file).map(|(id, _)| id);
    file.tree.ids().any(|id| match file.tree.kind(id) {
        Kind::Call { .. } => matches!(file.called_name(id), Some("exec" | "eval")),
        Kind::Str(text) => text.contains("write_to_model") && Some(id) != docstring && is_used(walker, id),
        Kind::Name("__builtins__", _) => true,
        _ => false,
    })
}

/// A string that stands alone is a comment.
fn is_used(walker: &Walker<'_, '_, '_>, id: NodeId) -> bool {
    !matches!(walker.kind(walker.file.scopes.parent(id)), Kind::Expr)
}

/// The calls in functions and lambdas that nobody calls by name here, but somebody else may.
pub(super) fn in_callbacks(walker: &mut Walker<'_, '_, '_>) -> u32 {
    let mut total: u32 = 0;
    for id in walker.file.tree.ids().collect::<Vec<_>>() {
        let is_function = matches!(walker.kind(id), Kind::FunctionDef { .. } | Kind::Lambda);
        if is_function && walker.is_relevant(id) && may_be_called(walker, id) {
            let flow = walker.function(id);
            total = total.saturating_add(flow.any().map_or(0, |paths: Paths| paths.max));
        }
    }
    total
}

fn may_be_called(walker: &Walker<'_, '_, '_>, id: NodeId) -> bool {
    let parent = walker.file.scopes.parent(id);
    match walker.kind(id) {
        Kind::FunctionDef { decorators: 0, name, .. } => {
            matches!(walker.kind(parent), Kind::ClassDef { .. }) || is_handed_on(walker, name)
        }
        Kind::FunctionDef { .. } => true,
        _ if walker.called.contains_key(&id) => false,
        _ => match (walker.kind(parent), walker.kids(parent).first().map(|target| walker.kind(*target))) {
            (Kind::Assign, Some(Kind::Name(name, _))) => is_handed_on(walker, name),
            _ => true,
        },
    }
}

/// Whether the name is read other than to call it, or called where it may mean several functions.
fn is_handed_on(walker: &Walker<'_, '_, '_>, name: &str) -> bool {
    let file = walker.file;
    file.tree.ids().any(|id| {
        if !matches!(file.tree.kind(id), Kind::Name(found, Context::Load) if *found == name) {
            return false;
        }
        let called = file.call(file.scopes.parent(id)).is_some_and(|(function, ..)| function == id);
        !called || file.scopes.resolve_once(name, file.scopes.scope(id)).is_none()
    })
}

/// A sum in which one part may have no bound.
pub(super) fn bounded(max: u32) -> Option<u32> {
    (max != UNBOUNDED).then_some(max)
}
