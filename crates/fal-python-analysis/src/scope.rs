//! Scopes and bindings: which names a module, function, class or comprehension binds, where and how
//! often.

use rustc_hash::FxHashMap;

use crate::{
    cost,
    tree::{Context, Kind, NodeId, Tree},
};

/// A module, function, class or comprehension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(u32);

/// The construct that makes a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeKind {
    Module,
    Function,
    Class,
    Comprehension,
}

#[derive(Debug)]
struct Scope<'t> {
    kind: ScopeKind,
    parent: Option<ScopeId>,
    /// The innermost function, class or module: itself, unless it is a comprehension.
    body: ScopeId,
    bindings: FxHashMap<&'t str, Vec<NodeId>>,
    declared: FxHashMap<&'t str, Declared>,
}

/// A scope's declaration of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Declared {
    Global,
    Nonlocal,
}

/// All scopes and bindings of a tree, and each node's parent and scope.
#[derive(Debug)]
pub(crate) struct Scopes<'t> {
    scopes: Vec<Scope<'t>>,
    parents: Vec<NodeId>,
    places: Vec<u32>,
    of: Vec<ScopeId>,
    /// Bindings of `nonlocal` names. Their scope is known only after all other bindings are.
    elsewhere: Vec<(ScopeId, &'t str, NodeId)>,
}

const MODULE: ScopeId = ScopeId(0);

impl<'t> Scopes<'t> {
    pub(crate) fn new<'a: 't>(tree: &'t Tree<'a>) -> Self {
        let mut scopes = Self {
            scopes: Vec::new(),
            parents: vec![tree.root(); tree.len()],
            places: vec![0; tree.len()],
            of: vec![MODULE; tree.len()],
            elsewhere: Vec::new(),
        };
        scopes.add(ScopeKind::Module, None);
        scopes.fill(tree);
        scopes.settle(tree);
        scopes
    }

    pub(crate) fn parent(&self, id: NodeId) -> NodeId {
        self.parents[id.index()]
    }

    /// Returns the index of a node among its parent's children.
    pub(crate) fn place(&self, id: NodeId) -> usize {
        self.places[id.index()] as usize
    }

    pub(crate) fn scope(&self, id: NodeId) -> ScopeId {
        self.of[id.index()]
    }

    pub(crate) fn kind(&self, scope: ScopeId) -> ScopeKind {
        self.get(scope).kind
    }

    /// Returns the innermost function, class or module that is not a comprehension.
    pub(crate) fn body_scope(&self, scope: ScopeId) -> ScopeId {
        self.get(scope).body
    }

    /// Returns the scope that binds a name read in `scope`, and all nodes that bind it, in the
    /// order of the text.
    pub(crate) fn resolve(&self, name: &str, scope: ScopeId) -> Option<(ScopeId, &[NodeId])> {
        let mut at = scope;
        loop {
            cost::step();
            let here = self.get(at);
            // A class's names are visible in its body only, not in the functions and comprehensions
            // within.
            if at == scope || here.kind != ScopeKind::Class {
                match here.declared.get(name) {
                    Some(Declared::Global) => return self.bound(name, MODULE),
                    Some(Declared::Nonlocal) => {}
                    None if here.bindings.contains_key(name) => return self.bound(name, at),
                    None => {}
                }
            }
            at = here.parent?;
        }
    }

    /// Returns the only node that binds the name.
    pub(crate) fn resolve_once(&self, name: &str, scope: ScopeId) -> Option<NodeId> {
        match self.resolve(name, scope)?.1 {
            [only] => Some(*only),
            _ => None,
        }
    }

    fn get(&self, scope: ScopeId) -> &Scope<'t> {
        &self.scopes[scope.0 as usize]
    }

    fn bound(&self, name: &str, scope: ScopeId) -> Option<(ScopeId, &[NodeId])> {
        self.get(scope)
            .bindings
            .get(name)
            .map(|found| (scope, &found[..]))
    }

    fn add(&mut self, kind: ScopeKind, parent: Option<ScopeId>) -> ScopeId {
        let id = ScopeId(self.scopes.len() as u32);
        let body = parent
            .filter(|_| kind == ScopeKind::Comprehension)
            .map_or(id, |parent| self.body_scope(parent));
        self.scopes.push(Scope {
            kind,
            parent,
            body,
            bindings: FxHashMap::default(),
            declared: FxHashMap::default(),
        });
        id
    }

    fn fill<'a: 't>(&mut self, tree: &'t Tree<'a>) {
        let mut stack = vec![(tree.root(), tree.root(), MODULE)];
        while let Some((id, parent, scope)) = stack.pop() {
            self.parents[id.index()] = parent;
            self.of[id.index()] = scope;
            self.bind_node(tree, id, scope);
            let inner = self.open(tree, id, scope);
            for (at, kid) in tree.kids(id).iter().enumerate().rev() {
                self.places[kid.index()] = at as u32;
                stack.push((*kid, id, if inner.holds(at) { inner.scope } else { scope }));
            }
        }
    }

    /// Moves the bindings of `nonlocal` names to the functions that own them, and sorts all.
    fn settle(&mut self, tree: &Tree<'_>) {
        for (scope, name, node) in std::mem::take(&mut self.elsewhere) {
            if let Some((home, _)) = self.resolve(name, scope) {
                self.bind(home, name, node);
            }
        }
        for binders in self
            .scopes
            .iter_mut()
            .flat_map(|scope| scope.bindings.values_mut())
        {
            binders.sort_by_key(|id| tree.range(*id));
        }
    }

    /// Returns the scope that a node opens, and which of its children belong to it.
    fn open<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, scope: ScopeId) -> Inner {
        let (kind, from, count) = match tree.kind(id) {
            Kind::FunctionDef { body, .. } => (ScopeKind::Function, 1, *body),
            Kind::Lambda => (ScopeKind::Function, 1, 1),
            Kind::ClassDef { bases, body, .. } => (ScopeKind::Class, *bases, *body),
            Kind::Comprehension { .. } => (ScopeKind::Comprehension, 0, u32::MAX),
            // The first iterable of a comprehension is evaluated outside it.
            Kind::Generator if self.is_first_generator(tree, id) => {
                return Inner {
                    scope: self.scope(self.parent(id)),
                    from: 1,
                    count: 1,
                };
            }
            _ => {
                return Inner {
                    scope,
                    from: 0,
                    count: 0,
                };
            }
        };
        let inner = self.add(kind, Some(scope));
        self.bind_parameters(tree, id, inner);
        Inner {
            scope: inner,
            from,
            count,
        }
    }

    fn is_first_generator(&self, tree: &Tree<'_>, id: NodeId) -> bool {
        let parent = self.parent(id);
        matches!(tree.kind(parent), Kind::Comprehension { elements } if self.place(id) == *elements as usize)
    }

    /// Parameters and type parameters are bound in the scope of the body, although they come before
    /// it.
    fn bind_parameters<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, inner: ScopeId) {
        let kids = tree.kids(id);
        let arguments = kids
            .first()
            .filter(|kid| matches!(tree.kind(**kid), Kind::Arguments { .. }));
        for kid in arguments
            .map_or(&[][..], |it| tree.kids(*it))
            .iter()
            .chain(kids)
        {
            if let Kind::Arg(name) | Kind::TypeParam(name) = tree.kind(*kid) {
                self.bind(inner, name, *kid);
            }
        }
    }

    fn bind_node<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, scope: ScopeId) {
        match tree.kind(id) {
            Kind::Name(name, Context::Store | Context::Delete) => {
                let walrus = matches!(tree.kind(self.parent(id)), Kind::NamedExpr);
                let scope = if walrus {
                    self.body_scope(scope)
                } else {
                    scope
                };
                self.bind(scope, name, id);
            }
            Kind::FunctionDef { name, .. } | Kind::ClassDef { name, .. } => {
                self.bind(scope, name, id)
            }
            Kind::Alias { name, asname } => {
                let bound = asname.unwrap_or_else(|| first_part(name));
                self.bind(scope, bound, id);
            }
            Kind::Handler {
                name: Some(name), ..
            }
            | Kind::Pattern {
                binds: Some(name), ..
            } => {
                self.bind(scope, name, id);
            }
            Kind::Global => self.declare(tree, id, scope, Declared::Global),
            Kind::Nonlocal => self.declare(tree, id, scope, Declared::Nonlocal),
            _ => {}
        }
    }

    fn declare<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, scope: ScopeId, how: Declared) {
        // At module level `global` has no effect.
        if scope == MODULE {
            return;
        }
        for kid in tree.kids(id) {
            if let Kind::Ident(name) = tree.kind(*kid) {
                self.scopes[scope.0 as usize].declared.insert(name, how);
            }
        }
    }

    fn bind(&mut self, scope: ScopeId, name: &'t str, node: NodeId) {
        let home = match self.get(scope).declared.get(name) {
            Some(Declared::Nonlocal) => return self.elsewhere.push((scope, name, node)),
            Some(Declared::Global) => MODULE,
            None => scope,
        };
        self.scopes[home.0 as usize]
            .bindings
            .entry(name)
            .or_default()
            .push(node);
    }
}

struct Inner {
    scope: ScopeId,
    from: u32,
    count: u32,
}

impl Inner {
    fn holds(&self, at: usize) -> bool {
        let at = at as u32;
        at >= self.from && at - self.from < self.count
    }
}

fn first_part(dotted: &str) -> &str {
    dotted.split('.').next().unwrap_or(dotted)
}
