//! Walks over the tree of one file.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{condition::outcomes, outcome::Flow};
use crate::{
    context::{File, Meaning},
    names::HostName,
    tree::{Context, Kind, NodeId},
};

/// The state of the walk.
pub(super) struct Walker<'f, 't, 'a> {
    pub(super) file: &'f File<'t, 'a>,
    /// Nodes below which something is relevant for the count.
    relevant: Vec<bool>,
    /// The known outcomes of nodes as conditions.
    outcomes: Vec<Option<bool>>,
    /// Functions and lambdas that were called; `None` while one is being walked.
    pub(super) called: FxHashMap<NodeId, Option<Flow>>,
    /// Conditions that are assumed to hold or to fail in the current case.
    pub(super) assumed: FxHashMap<NodeId, bool>,
    /// All calls of `write_to_model`.
    pub(super) writes: FxHashSet<NodeId>,
}

impl<'f, 't, 'a> Walker<'f, 't, 'a> {
    pub(super) fn new(file: &'f File<'t, 'a>) -> Self {
        let uses = file
            .uses_of(HostName::WriteToModel)
            .filter(|(_, meaning)| *meaning == Meaning::Host);
        let writes = uses.filter_map(|(name, _)| file.call_of(name)).collect();
        Self {
            file,
            relevant: relevant(file),
            outcomes: outcomes(file),
            called: FxHashMap::default(),
            assumed: FxHashMap::default(),
            writes,
        }
    }

    pub(super) fn is_relevant(&self, id: NodeId) -> bool {
        self.relevant[id.index()]
    }

    /// Whether a condition always or never holds.
    pub(super) fn outcome_of(&self, id: NodeId) -> Option<bool> {
        self.outcomes[id.index()]
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

/// Finds the relevant nodes. Children have smaller ids than their parents, so one pass from the
/// first node to the last is enough.
fn relevant(file: &File<'_, '_>) -> Vec<bool> {
    let mut relevant = vec![false; file.tree.len()];
    for id in file.tree.ids() {
        let below = file.tree.kids(id).iter().any(|kid| relevant[kid.index()]);
        relevant[id.index()] = below || matters(file, id);
    }
    relevant
}

/// Whether a node is relevant: a call of a bare name, which may be a function of this file, or of
/// `sys.exit`.
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
