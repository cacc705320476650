//! Scopes and bindings: which names a module, function, class or comprehension binds, where and how often.

use rustc_hash::FxHashMap;

use crate::tree::{Context, Kind, NodeId, Tree};

/// A module, function, class or comprehension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(u32);

/// What makes a scope.
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
    bindings: FxHashMap<&'t str, Vec<NodeId>>,
}

impl Scope<'_> {
    fn new(kind: ScopeKind, parent: Option<ScopeId>) -> Self {
        Self { kind, parent, bindings: FxHashMap::default() }
    }
}

/// All scopes and bindings of a tree, and each node's parent and scope.
#[derive(Debug)]
pub(crate) struct Scopes<'t> {
    scopes: Vec<Scope<'t>>,
    parents: Vec<NodeId>,
    of: Vec<ScopeId>,
    /// Names that a scope declares `global` or `nonlocal`, and the scope that they belong to.
    redirects: Vec<(ScopeId, &'t str, ScopeId)>,
}

const MODULE: ScopeId = ScopeId(0);

impl<'t> Scopes<'t> {
    pub(crate) fn new<'a: 't>(tree: &'t Tree<'a>) -> Self {
        let mut scopes = Self {
            scopes: vec![Scope::new(ScopeKind::Module, None)],
            parents: vec![tree.root(); tree.len()],
            of: vec![MODULE; tree.len()],
            redirects: Vec::new(),
        };
        scopes.fill(tree);
        scopes
    }

    pub(crate) fn parent(&self, id: NodeId) -> NodeId {
        self.parents[id.index()]
    }

    pub(crate) fn scope(&self, id: NodeId) -> ScopeId {
        self.of[id.index()]
    }

    pub(crate) fn kind(&self, scope: ScopeId) -> ScopeKind {
        self.scopes[scope.0 as usize].kind
    }

    /// The innermost function, class or module: comprehensions are looked through.
    pub(crate) fn body_scope(&self, mut scope: ScopeId) -> ScopeId {
        while self.kind(scope) == ScopeKind::Comprehension {
            scope = self.scopes[scope.0 as usize].parent.unwrap_or(MODULE);
        }
        scope
    }

    /// The scope in which a name that is read in `scope` is bound, and all nodes that bind it.
    pub(crate) fn resolve(&self, name: &str, scope: ScopeId) -> Option<(ScopeId, &[NodeId])> {
        let mut at = scope;
        loop {
            let here = self.redirect(at, name);
            let visible = at == scope || self.kind(at) != ScopeKind::Class;
            if let Some(found) = self.scopes[here.0 as usize].bindings.get(name).filter(|_| visible) {
                return Some((here, found));
            }
            at = self.scopes[at.0 as usize].parent?;
        }
    }

    /// The only node that binds the name.
    pub(crate) fn resolve_once(&self, name: &str, scope: ScopeId) -> Option<NodeId> {
        match self.resolve(name, scope)?.1 {
            [only] => Some(*only),
            _ => None,
        }
    }

    fn redirect(&self, scope: ScopeId, name: &str) -> ScopeId {
        let found = self.redirects.iter().find(|(from, what, _)| *from == scope && *what == name);
        found.map_or(scope, |(_, _, to)| *to)
    }

    fn fill<'a: 't>(&mut self, tree: &'t Tree<'a>) {
        let mut stack = vec![(tree.root(), tree.root(), MODULE)];
        while let Some((id, parent, scope)) = stack.pop() {
            self.parents[id.index()] = parent;
            self.of[id.index()] = scope;
            self.bind_node(tree, id, scope);
            let inner = self.open(tree, id, scope);
            let kids = tree.kids(id).iter().enumerate().rev();
            stack.extend(kids.map(|(at, kid)| (*kid, id, if inner.holds(at) { inner.scope } else { scope })));
        }
        for (id, names) in all_parameters(tree) {
            self.bind_parameters(tree, id, &names);
        }
    }

    /// The scope that a node opens, and which of its children stand in it.
    fn open(&mut self, tree: &Tree<'_>, id: NodeId, scope: ScopeId) -> Inner {
        let (kind, from, count) = match tree.kind(id) {
            Kind::FunctionDef { body, .. } => (ScopeKind::Function, 1, *body),
            Kind::Lambda => (ScopeKind::Function, 1, 1),
            Kind::ClassDef { bases, body, .. } => (ScopeKind::Class, *bases, *body),
            Kind::Comprehension { .. } => (ScopeKind::Comprehension, 0, u32::MAX),
            _ => return Inner { scope, from: 0, count: 0 },
        };
        let inner = ScopeId(self.scopes.len() as u32);
        self.scopes.push(Scope::new(kind, Some(scope)));
        Inner { scope: inner, from, count }
    }

    fn bind_node<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, scope: ScopeId) {
        match tree.kind(id) {
            Kind::Name(name, Context::Store | Context::Delete) => {
                let walrus = matches!(tree.kind(self.parent(id)), Kind::NamedExpr);
                let scope = if walrus { self.body_scope(scope) } else { scope };
                self.bind(scope, name, id);
            }
            Kind::FunctionDef { name, .. } | Kind::ClassDef { name, .. } | Kind::TypeParam(name) => {
                self.bind(scope, name, id);
            }
            Kind::Alias { name, asname } => {
                let bound = asname.unwrap_or_else(|| first_part(name));
                self.bind(scope, bound, id);
            }
            Kind::Handler { name: Some(name), .. } | Kind::Pattern { binds: Some(name), .. } => {
                self.bind(scope, name, id);
            }
            Kind::Global => self.declare(tree, id, scope, MODULE),
            Kind::Nonlocal => {
                let outer = self.scopes[scope.0 as usize].parent.unwrap_or(MODULE);
                self.declare(tree, id, scope, outer);
            }
            _ => {}
        }
    }

    fn declare<'a: 't>(&mut self, tree: &'t Tree<'a>, id: NodeId, scope: ScopeId, to: ScopeId) {
        for kid in tree.kids(id) {
            if let Kind::Ident(name) = tree.kind(*kid) {
                self.redirects.push((scope, name, to));
            }
        }
    }

    fn bind(&mut self, scope: ScopeId, name: &'t str, node: NodeId) {
        let scope = self.redirect(scope, name);
        self.scopes[scope.0 as usize].bindings.entry(name).or_default().push(node);
    }

    /// Parameters are bound in the scope of the body, although they stand before it.
    fn bind_parameters<'a: 't>(&mut self, tree: &'t Tree<'a>, function: NodeId, names: &[(&'t str, NodeId)]) {
        let Some(body) = tree.kids(function).get(1) else { return };
        let scope = self.scope(*body);
        names.iter().for_each(|(name, id)| self.bind(scope, name, *id));
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

/// Each function or lambda with parameters.
fn all_parameters<'t>(tree: &'t Tree<'_>) -> Vec<(NodeId, Vec<(&'t str, NodeId)>)> {
    let is_function = |id: &NodeId| matches!(tree.kind(*id), Kind::FunctionDef { .. } | Kind::Lambda);
    let parameters = |id: NodeId| {
        let kids = tree.kids(tree.kids(id)[0]).iter();
        kids.filter_map(|kid| if let Kind::Arg(name) = tree.kind(*kid) { Some((*name, *kid)) } else { None }).collect()
    };
    tree.ids().filter(is_function).map(|id| (id, parameters(id))).collect()
}
