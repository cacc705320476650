//! Walks over the tree of one file.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{outcome::Flow, truth::truths};
use crate::{
    context::{File, Meaning},
    names::Ours,
    tree::{Context, Kind, NodeId},
};

/// What the walk knows.
pub(super) struct Walker<'f, 't, 'a> {
    pub(super) file: &'f File<'t, 'a>,
    /// Nodes below which something matters to the count.
    relevant: Vec<bool>,
    /// What is known of nodes as conditions.
    truths: Vec<Option<bool>>,
    /// Functions and lambdas that were called; `None`: being walked just now.
    pub(super) called: FxHashMap<NodeId, Option<Flow>>,
    /// Conditions taken to hold or to fail in the case at hand.
    pub(super) assumed: FxHashMap<NodeId, bool>,
    /// All calls of `write_to_model`.
    pub(super) writes: FxHashSet<NodeId>,
}

impl<'f, 't, 'a> Walker<'f, 't, 'a> {
    pub(super) fn new(file: &'f File<'t, 'a>) -> Self {
        let ours = file
            .uses_of(Ours::WriteToModel)
            .filter(|(_, meaning)| *meaning == Meaning::Ours);
        let writes = ours.filter_map(|(name, _)| file.call_of(name)).collect();
        Self {
            file,
            relevant: relevant(file),
            truths: truths(file),
            called: FxHashMap::default(),
            assumed: FxHashMap::default(),
            writes,
        }
    }

    pub(super) fn is_relevant(&self, id: NodeId) -> bool {
        self.relevant[id.index()]
    }

    /// Whether a condition always or never holds.
    pub(super) fn truth(&self, id: NodeId) -> Option<bool> {
        self.truths[id.index()]
    }

    pub(super) fn kind(&self, id: NodeId) -> &'f Kind<'a> {
        self.file.tree.kind(id)
    }

    pub(super) fn kids(&self, id: NodeId) -> &'f [NodeId] {
        self.file.tree.kids(id)
    }

    /// Whether the call is one of `write_to_model`.
    pub(super) fn is_write(&self, call: NodeId) -> bool {
        self.writes.contains(&call)
    }
}

/// Children have smaller ids than their parents, so one pass upwards is enough.
fn relevant(file: &File<'_, '_>) -> Vec<bool> {
    let mut relevant = vec![false; file.tree.len()];
    for id in file.tree.ids() {
        let below = file.tree.kids(id).iter().any(|kid| relevant[kid.index()]);
        relevant[id.index()] = below || matters(file, id);
    }
    relevant
}

/// Calls of bare names, which may be functions of this file, and of `sys.exit`.
fn matters(file: &File<'_, '_>, id: NodeId) -> bool {
    let Some((function, ..)) = file.call(id) else {
        return false;
    };
    match file.tree.kind(function) {
        Kind::Name(name, Context::Load) => {
            matches!(*name, "write_to_model" | "exit" | "quit")
                || file
                    .scopes()
                    .resolve(name, file.scopes().scope(id))
                    .is_some()
        }
        Kind::Attribute("exit" | "_exit") | Kind::Lambda => true,
        _ => false,
    }
}
