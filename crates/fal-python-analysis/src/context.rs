//! What all parts of the analysis share: the text, the tree, its scopes, and which names are ours.

use std::cell::OnceCell;

use fal_plugin::payload::Span;

use crate::{
    names::{Ours, Use, uses},
    position::Lines,
    scope::{ScopeId, Scopes},
    tree::{Kind, NodeId, Tree},
};

/// One file under analysis.
pub(crate) struct File<'t, 'a> {
    pub(crate) lines: &'t Lines<'t>,
    pub(crate) tree: &'t Tree<'a>,
    pub(crate) uses: Vec<Use>,
    scopes: OnceCell<Scopes<'t>>,
}

/// Whether a name means what the host puts in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The host's.
    Ours,
    /// A parameter: perhaps the host's, handed on.
    Parameter,
    /// The file's own.
    Foreign,
}

impl<'t, 'a> File<'t, 'a> {
    pub(crate) fn new(lines: &'t Lines<'t>, tree: &'t Tree<'a>) -> Self {
        Self { lines, tree, uses: uses(tree), scopes: OnceCell::new() }
    }

    /// Scopes and parents; not every file needs them.
    pub(crate) fn scopes(&self) -> &Scopes<'t> {
        self.scopes.get_or_init(|| Scopes::new(self.tree))
    }

    /// Names of ours that are read, with what they mean there.
    pub(crate) fn uses_of(&self, ours: Ours) -> impl Iterator<Item = (NodeId, Meaning)> + '_ {
        self.uses.iter().filter(move |it| it.ours == ours).map(|it| (it.name, self.meaning_of(it.name)))
    }

    /// What a name of ours means.
    pub(crate) fn meaning_of(&self, name: NodeId) -> Meaning {
        let Kind::Name(text, _) = self.tree.kind(name) else { return Meaning::Foreign };
        self.meaning(text, self.scopes().scope(name))
    }

    /// The call whose function this node is.
    pub(crate) fn call_of(&self, function: NodeId) -> Option<NodeId> {
        let parent = self.scopes().parent(function);
        self.call(parent).filter(|(called, ..)| *called == function).map(|_| parent)
    }

    pub(crate) fn span(&self, id: NodeId) -> Span {
        let (start, end) = self.tree.range(id);
        self.lines.span(start, end)
    }

    /// The node as written.
    pub(crate) fn source(&self, id: NodeId) -> &'t str {
        let (start, end) = self.tree.range(id);
        self.lines.slice(start, end)
    }

    /// Function, positional arguments and keywords of a call.
    pub(crate) fn call(&self, id: NodeId) -> Option<(NodeId, &[NodeId], &[NodeId])> {
        let Kind::Call { args } = self.tree.kind(id) else { return None };
        let (function, rest) = self.tree.kids(id).split_first()?;
        let (args, keywords) = rest.split_at(*args as usize);
        Some((*function, args, keywords))
    }

    /// The name that is called, if a bare name is.
    pub(crate) fn called_name(&self, id: NodeId) -> Option<&'t str> {
        let (function, ..) = self.call(id)?;
        if let Kind::Name(name, _) = self.tree.kind(function) { Some(name) } else { None }
    }

    /// What one of our names means where it stands. A binding under a condition is a stand-in for runs outside the
    /// host (`try: ref` `except NameError: ...`, `if TYPE_CHECKING: ...`), so the name stays ours.
    fn meaning(&self, name: &str, scope: ScopeId) -> Meaning {
        let Some((_, binders)) = self.scopes().resolve(name, scope) else { return Meaning::Ours };
        if binders.iter().any(|binder| self.takes_over(*binder)) {
            return Meaning::Foreign;
        }
        let parameter = |binder: &NodeId| matches!(self.tree.kind(*binder), Kind::Arg(_));
        if binders.iter().any(parameter) { Meaning::Parameter } else { Meaning::Ours }
    }

    fn takes_over(&self, binder: NodeId) -> bool {
        if matches!(self.tree.kind(binder), Kind::Arg(_)) {
            return false;
        }
        let parent = self.scopes().parent(binder);
        if let Kind::ImportFrom { module: Some(module), level: 0 } = self.tree.kind(parent)
            && is_fal_module(module)
        {
            return false;
        }
        !self.ancestors(binder).any(|(id, _)| matches!(self.tree.kind(id), Kind::If { .. } | Kind::Try { .. }))
    }

    /// The ancestors of a node, each with its child on the way, up to the function that holds it.
    pub(crate) fn ancestors(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NodeId)> + '_ {
        let mut child = id;
        std::iter::from_fn(move || {
            let parent = self.scopes().parent(child);
            let stop = parent == child || matches!(self.tree.kind(parent), Kind::FunctionDef { .. });
            let step = (parent, child);
            child = parent;
            (!stop).then_some(step)
        })
    }

    /// Which child of its parent a node is.
    pub(crate) fn place(&self, parent: NodeId, child: NodeId) -> usize {
        self.tree.kids(parent).iter().position(|kid| *kid == child).unwrap_or(0)
    }
}

/// `fal`, `fal_...` and their submodules.
fn is_fal_module(module: &str) -> bool {
    let first = module.split('.').next().unwrap_or(module);
    first == "fal" || first == "faldbt" || first.starts_with("fal_")
}
