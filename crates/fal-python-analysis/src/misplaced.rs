//! Statements in places where Python forbids them and the parsers accept them.

use fal_plugin::payload::Diagnostic;

use crate::{
    context::File,
    scope::ScopeKind,
    syntax::problem,
    tree::{Kind, NodeId},
};

/// `return` and `yield` outside a function, `break` and `continue` outside a loop. `await` is
/// allowed everywhere, because notebooks use it so.
pub(crate) fn misplaced(file: &File<'_, '_>) -> Vec<Diagnostic> {
    let found = |id: NodeId| {
        let what = match file.tree.kind(id) {
            Kind::Return if !in_function(file, id) => "`return` outside a function",
            Kind::Yield if !in_function(file, id) => "`yield` outside a function",
            Kind::Break if !in_loop(file, id) => "`break` outside a loop",
            Kind::Continue if !in_loop(file, id) => "`continue` outside a loop",
            _ => return None,
        };
        let (start, end) = file.tree.range(id);
        Some(problem(
            file.lines,
            "python::syntax",
            &format!("this is not valid Python: {what}"),
            start,
            end,
        ))
    };
    file.tree.ids().filter_map(found).collect()
}

fn in_function(file: &File<'_, '_>, id: NodeId) -> bool {
    let scope = file.scopes().body_scope(file.scopes().scope(id));
    file.scopes().kind(scope) == ScopeKind::Function
}

fn in_loop(file: &File<'_, '_>, id: NodeId) -> bool {
    let around = file.enclosing().around(file.scopes(), id);
    let mut inside =
        around.take_while(|(parent, _)| !matches!(file.tree.kind(*parent), Kind::ClassDef { .. }));
    inside.any(|(parent, child)| match file.tree.kind(parent) {
        Kind::For { body } => file.scopes().place(child) < 2 + *body as usize,
        Kind::While { body } => file.scopes().place(child) < 1 + *body as usize,
        _ => false,
    })
}
