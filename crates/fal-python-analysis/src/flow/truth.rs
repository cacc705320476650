//! Conditions whose outcome is known from the text.

use crate::{
    context::File,
    tree::{Kind, NodeId, Unary},
};

/// Whether a condition always or never holds. A script runs as `__main__`, and not under a type checker.
pub(super) fn truth(file: &File<'_, '_>, id: NodeId) -> Option<bool> {
    let kids = file.tree.kids(id);
    match file.tree.kind(id) {
        Kind::True | Kind::Name("__debug__", _) => Some(true),
        Kind::False | Kind::None => Some(false),
        Kind::Int(value) => Some(*value != 0),
        Kind::Str(text) => Some(!text.is_empty()),
        Kind::Name("TYPE_CHECKING", _) | Kind::Attribute("TYPE_CHECKING") => Some(false),
        Kind::Unary(Unary::Not) => kids.first().and_then(|kid| truth(file, *kid)).map(|it| !it),
        Kind::And => all(file, kids, true),
        Kind::Or => all(file, kids, false),
        Kind::Compare { equal, unequal } if *equal || *unequal => is_main(file, kids).then_some(*equal),
        _ => None,
    }
}

/// `and` holds if all hold and fails if one fails; `or` the other way round.
fn all(file: &File<'_, '_>, kids: &[NodeId], neutral: bool) -> Option<bool> {
    let mut undecided = false;
    for kid in kids {
        match truth(file, *kid) {
            Some(value) if value != neutral => return Some(value),
            Some(_) => {}
            None => undecided = true,
        }
    }
    (!undecided).then_some(neutral)
}

/// `__name__ == "__main__"`, either way round.
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
