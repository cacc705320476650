//! What a name is bound to, where that cannot change.

use rustc_hash::FxHashSet;

use crate::{
    context::File,
    scope::{ScopeId, ScopeKind},
    tree::{Kind, NodeId},
};

/// Methods that change a list, set or dict in place.
const MUTATORS: [&str; 15] = [
    "append",
    "extend",
    "insert",
    "remove",
    "pop",
    "clear",
    "sort",
    "reverse",
    "add",
    "discard",
    "update",
    "popitem",
    "setdefault",
    "difference_update",
    "intersection_update",
];

impl<'t> File<'t, '_> {
    /// Returns the expression that a name is bound to, if it is bound once, by a plain assignment.
    pub(crate) fn bound_value(&self, name: &str, at: NodeId) -> Option<NodeId> {
        let scope = self.scopes().scope(at);
        let binder = self.scopes().resolve_once(name, scope)?;
        if self.scopes().kind(self.scopes().scope(binder)) == ScopeKind::Comprehension {
            return None;
        }
        let parent = self.scopes().parent(binder);
        let kids = self.tree.kids(parent);
        match self.tree.kind(parent) {
            Kind::Assign | Kind::NamedExpr => kids.last().copied(),
            Kind::AnnAssign { value: true } => kids.last().copied(),
            Kind::Tuple | Kind::List => self.unpacked(parent, binder),
            _ => None,
        }
    }

    /// Returns the element for a target of `A, B = 'a', 'b'`.
    fn unpacked(&self, target: NodeId, binder: NodeId) -> Option<NodeId> {
        let assign = self.scopes().parent(target);
        if !matches!(self.tree.kind(assign), Kind::Assign) {
            return None;
        }
        let value = *self.tree.kids(assign).last()?;
        let plain = |id: NodeId| {
            let kids = self.tree.kids(id);
            let display = matches!(self.tree.kind(id), Kind::Tuple | Kind::List);
            (display
                && !kids
                    .iter()
                    .any(|kid| matches!(self.tree.kind(*kid), Kind::Starred)))
            .then_some(kids)
        };
        let (targets, values) = (plain(target)?, plain(value)?);
        let same = targets.len() == values.len() && value != target;
        values
            .get(self.scopes().place(binder))
            .copied()
            .filter(|_| same)
    }

    /// Whether something in the file changes the list, set or dict of this name in place.
    pub(crate) fn is_mutated(&self, name: &str, at: NodeId) -> bool {
        let home = self
            .scopes()
            .resolve(name, self.scopes().scope(at))
            .map(|(scope, _)| scope);
        home.is_some_and(|home| {
            self.mutated
                .get_or_init(|| self.all_mutated())
                .contains(&(home, name))
        })
    }

    fn all_mutated(&self) -> FxHashSet<(ScopeId, &'t str)> {
        let changed = |id: NodeId| {
            let Kind::Name(name, _) = *self.tree.kind(id) else {
                return None;
            };
            let home = || {
                self.scopes()
                    .resolve(name, self.scopes().scope(id))
                    .map(|(scope, _)| (scope, name))
            };
            self.changes(id).then(home).flatten()
        };
        self.tree.ids().filter_map(changed).collect()
    }

    fn changes(&self, id: NodeId) -> bool {
        let parent = self.scopes().parent(id);
        let outer = self.scopes().parent(parent);
        match self.tree.kind(parent) {
            Kind::Attribute(method) => MUTATORS.contains(method),
            Kind::Subscript => match self.tree.kind(outer) {
                Kind::Assign => self.tree.kids(outer).last() != Some(&parent),
                Kind::AugAssign => self.tree.kids(outer).first() == Some(&parent),
                Kind::Delete => true,
                _ => false,
            },
            _ => false,
        }
    }
}
