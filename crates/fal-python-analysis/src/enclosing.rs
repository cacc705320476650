//! Loops, comprehensions and conditions around nodes. Each is found in one step, because a chain of
//! `elif` is nested as deeply as it is long.

use crate::{
    scope::Scopes,
    tree::{Kind, NodeId, Tree},
};

/// The nearest enclosing constructs of each node within its function.
#[derive(Debug)]
pub(crate) struct Enclosing {
    /// The nearest node at or above this one whose parent is a loop, comprehension or class.
    repeated: Vec<Option<NodeId>>,
    conditional: Vec<bool>,
}

impl Enclosing {
    /// Parents have larger ids than their children, so one pass from the last node to the first is
    /// enough.
    pub(crate) fn new(tree: &Tree<'_>, scopes: &Scopes<'_>) -> Self {
        let mut out = Self {
            repeated: vec![None; tree.len()],
            conditional: vec![false; tree.len()],
        };
        for id in tree.ids().rev().skip(1) {
            let parent = scopes.parent(id);
            let (repeats, branches) = match tree.kind(parent) {
                Kind::FunctionDef { .. } => continue,
                Kind::For { .. }
                | Kind::While { .. }
                | Kind::Comprehension { .. }
                | Kind::ClassDef { .. } => (true, false),
                Kind::If { .. } | Kind::Try { .. } => (false, true),
                _ => (false, false),
            };
            out.repeated[id.index()] = if repeats {
                Some(id)
            } else {
                out.repeated[parent.index()]
            };
            out.conditional[id.index()] = branches || out.conditional[parent.index()];
        }
        out
    }

    /// Whether an `if` or `try` of its function holds the node.
    pub(crate) fn is_conditional(&self, id: NodeId) -> bool {
        self.conditional[id.index()]
    }

    /// Returns the loops, comprehensions and classes of its function that hold the node, innermost
    /// first, each with its child towards the node.
    pub(crate) fn around<'s>(
        &'s self,
        scopes: &'s Scopes<'_>,
        id: NodeId,
    ) -> impl Iterator<Item = (NodeId, NodeId)> + 's {
        let step = move |child: NodeId| {
            let parent = scopes.parent(child);
            (parent, child)
        };
        let first = self.repeated[id.index()].map(step);
        std::iter::successors(first, move |(parent, _)| {
            self.repeated[parent.index()].map(step)
        })
    }
}
