//! What all parts of the analysis share: the text, the tree, its scopes, and the host's names.

use std::cell::{Cell, OnceCell, RefCell};

use fal_plugin::payload::Span;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    enclosing::Enclosing,
    names::{HostName, Use, uses},
    position::Lines,
    scope::{ScopeId, ScopeKind, Scopes},
    tree::{Kind, NodeId, Tree},
};

/// One file under analysis.
pub(crate) struct File<'t, 'a> {
    pub(crate) lines: &'t Lines<'t>,
    pub(crate) tree: &'t Tree<'a>,
    pub(crate) uses: Vec<Use>,
    scopes: OnceCell<Scopes<'t>>,
    enclosing: OnceCell<Enclosing>,
    pub(crate) mutated: OnceCell<FxHashSet<(ScopeId, &'t str)>>,
    meanings: RefCell<FxHashMap<(ScopeId, &'t str), Meaning>>,
    budget: Cell<usize>,
}

/// The work that a file may cost beyond one look at each node: values are evaluated again at every
/// use, and texts are searched. When the budget is used up, everything that is still unknown stays
/// so.
const BUDGET: usize = 1_000_000;
const BUDGET_PER_NODE: usize = 20;

/// Whether a name means the function that the host puts in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The host's.
    Host,
    /// A parameter, which a caller may set to the host's function.
    Parameter,
    /// The file's own.
    Foreign,
}

impl<'t, 'a> File<'t, 'a> {
    pub(crate) fn new(lines: &'t Lines<'t>, tree: &'t Tree<'a>) -> Self {
        Self {
            lines,
            tree,
            uses: uses(tree),
            scopes: OnceCell::new(),
            enclosing: OnceCell::new(),
            mutated: OnceCell::new(),
            meanings: RefCell::default(),
            budget: Cell::new(BUDGET + BUDGET_PER_NODE * tree.len()),
        }
    }

    /// Takes from the budget; `None` if it is used up.
    pub(crate) fn spend(&self, amount: usize) -> Option<()> {
        let left = self.budget.get().checked_sub(amount);
        self.budget.set(left.unwrap_or(0));
        left.map(|_| ())
    }

    /// Returns the loops, comprehensions and conditions around nodes.
    pub(crate) fn enclosing(&self) -> &Enclosing {
        self.enclosing
            .get_or_init(|| Enclosing::new(self.tree, self.scopes()))
    }

    /// Returns scopes and parents, which are computed when a file first needs them.
    pub(crate) fn scopes(&self) -> &Scopes<'t> {
        self.scopes.get_or_init(|| Scopes::new(self.tree))
    }

    /// Returns the places that read a name of the host, with its meaning there.
    pub(crate) fn uses_of(
        &self,
        host_name: HostName,
    ) -> impl Iterator<Item = (NodeId, Meaning)> + '_ {
        self.uses
            .iter()
            .filter(move |it| it.host_name == host_name)
            .map(|it| (it.name, self.meaning_of(it.name)))
    }

    /// Returns what one of the host's names means at a node.
    pub(crate) fn meaning_of(&self, name: NodeId) -> Meaning {
        let Kind::Name(text, _) = *self.tree.kind(name) else {
            return Meaning::Foreign;
        };
        self.meaning(text, self.scopes().scope(name))
    }

    /// Returns the call whose function is this node.
    pub(crate) fn call_of(&self, function: NodeId) -> Option<NodeId> {
        let parent = self.scopes().parent(function);
        self.call(parent)
            .filter(|(called, ..)| *called == function)
            .map(|_| parent)
    }

    pub(crate) fn span(&self, id: NodeId) -> Span {
        let (start, end) = self.tree.range(id);
        self.lines.span(start, end)
    }

    /// Returns the node's source text.
    pub(crate) fn source(&self, id: NodeId) -> &'t str {
        let (start, end) = self.tree.range(id);
        self.lines.slice(start, end)
    }

    /// Returns the function, positional arguments and keywords of a call.
    pub(crate) fn call(&self, id: NodeId) -> Option<(NodeId, &[NodeId], &[NodeId])> {
        let Kind::Call { args } = self.tree.kind(id) else {
            return None;
        };
        let (function, rest) = self.tree.kids(id).split_first()?;
        let (args, keywords) = rest.split_at(*args as usize);
        Some((*function, args, keywords))
    }

    /// Returns the name that is called, if it is a bare name.
    pub(crate) fn called_name(&self, id: NodeId) -> Option<&'t str> {
        let (function, ..) = self.call(id)?;
        if let Kind::Name(name, _) = self.tree.kind(function) {
            Some(name)
        } else {
            None
        }
    }

    /// Returns what one of the host's names means in a scope.
    fn meaning(&self, name: &'t str, scope: ScopeId) -> Meaning {
        let Some((home, binders)) = self.scopes().resolve(name, scope) else {
            return Meaning::Host;
        };
        *self
            .meanings
            .borrow_mut()
            .entry((home, name))
            .or_insert_with(|| self.meaning_of_bound(home, binders))
    }

    fn meaning_of_bound(&self, home: ScopeId, binders: &[NodeId]) -> Meaning {
        if binders.iter().any(|binder| self.takes_over(home, *binder)) {
            return Meaning::Foreign;
        }
        let parameter = |binder: &NodeId| matches!(self.tree.kind(*binder), Kind::Arg(_));
        if binders.iter().any(parameter) {
            Meaning::Parameter
        } else {
            Meaning::Host
        }
    }

    /// Whether this binding makes the name the file's own. A name that a function, lambda or
    /// comprehension binds is local to it. In a module or class the name is the host's until the
    /// binding runs, and a binding under a condition is a stand-in for runs outside of the host
    /// (`try: ref` `except NameError: ...`, `if TYPE_CHECKING: ...`).
    fn takes_over(&self, home: ScopeId, binder: NodeId) -> bool {
        let mut parent = self.scopes().parent(binder);
        while matches!(
            self.tree.kind(parent),
            Kind::Tuple | Kind::List | Kind::Starred
        ) {
            parent = self.scopes().parent(parent);
        }
        match (self.tree.kind(binder), self.tree.kind(parent)) {
            (Kind::Arg(_), _) => false,
            (
                _,
                Kind::ImportFrom {
                    module: Some(module),
                    level: 0,
                },
            ) if is_fal_module(module) => false,
            _ if matches!(
                self.scopes().kind(home),
                ScopeKind::Function | ScopeKind::Comprehension
            ) =>
            {
                true
            }
            // `ref: Callable` gives no value.
            (_, Kind::AnnAssign { value: false }) => false,
            (kind, parent) => {
                !may_stand_in(kind, parent) || !self.enclosing().is_conditional(binder)
            }
        }
    }
}

/// Whether a binding can give a name a function: an assignment, a definition or an import. The
/// targets of loops, `with`, `except` and `case` are always the file's own names.
fn may_stand_in(binder: &Kind<'_>, parent: &Kind<'_>) -> bool {
    match binder {
        Kind::FunctionDef { .. } | Kind::ClassDef { .. } | Kind::Alias { .. } => true,
        Kind::Name(..) => matches!(parent, Kind::Assign | Kind::AnnAssign { .. }),
        _ => false,
    }
}

/// `fal`, `fal_...` and their submodules.
fn is_fal_module(module: &str) -> bool {
    let first = module.split('.').next().unwrap_or(module);
    first == "fal" || first == "faldbt" || first.starts_with("fal_")
}
