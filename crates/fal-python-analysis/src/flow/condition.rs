//! Conditions whose outcome is known from the text.

use crate::{
    context::File,
    tree::{Kind, NodeId, Unary},
};

/// Returns for each node whether it always or never holds as a condition. Children have smaller ids
/// than their parents, so one pass from the first node to the last is enough.
pub(super) fn outcomes(file: &File<'_, '_>) -> Vec<Option<bool>> {
    let mut known = Vec::with_capacity(file.tree.len());
    for id in file.tree.ids() {
        known.push(outcome(file, &known, id));
    }
    known
}

/// Returns the outcome of one condition: a script runs as `__main__`, and not under a type checker.
fn outcome(file: &File<'_, '_>, known: &[Option<bool>], id: NodeId) -> Option<bool> {
    let kids = file.tree.kids(id);
    match file.tree.kind(id) {
        Kind::True | Kind::Name("__debug__", _) => Some(true),
        Kind::False | Kind::None => Some(false),
        Kind::Int(value) => Some(*value != 0),
        Kind::Str(text) => Some(!text.is_empty()),
        Kind::Name("TYPE_CHECKING", _) | Kind::Attribute("TYPE_CHECKING") => Some(false),
        Kind::Unary(Unary::Not) => kids
            .first()
            .and_then(|kid| known[kid.index()])
            .map(|it| !it),
        Kind::And => all(known, kids, true),
        Kind::Or => all(known, kids, false),
        Kind::Compare { equal, unequal } if *equal || *unequal => {
            is_main(file, kids).then_some(*equal)
        }
        _ => None,
    }
}

/// Joins the operands of `and` (`neutral` is true) or `or` (false).
fn all(known: &[Option<bool>], kids: &[NodeId], neutral: bool) -> Option<bool> {
    let mut undecided = false;
    for kid in kids {
        match known[kid.index()] {
            Some(value) if value != neutral => return Some(value),
            Some(_) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(neutral)
}

/// Whether a comparison is of `__name__` and `"__main__"`, in either order.
fn is_main(file: &File<'_, '_>, kids: &[NodeId]) -> bool {
    let has = |name: bool| {
        kids.iter().any(|kid| match file.tree.kind(*kid) {
            Kind::Name("__name__", _) => name,
            Kind::Str("__main__") => !name,
            _ => false,
        })
    };
    has(true) && has(false)
}
