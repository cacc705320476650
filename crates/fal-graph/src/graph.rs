//! The DAG: nodes by unique id, edges from parents to children.

use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use fal_plugin::payload::GraphNode;

use crate::cycle::find_cycles;
use crate::error::DagError;
use crate::node::Node;
use crate::set::{NodeId, NodeSet};

/// Why a node waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EdgeKind {
    /// It reads it.
    Data,
    /// It runs after it (scripts before and after a model). Graph operators follow such edges.
    Order,
    /// It waits for a test of what it reads, as in `dbt build`. Graph operators do not follow such edges.
    Test,
}

/// A parent that a node names and the graph does not have (disabled, or of a kind that the backend left out).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingParent {
    /// The node.
    pub node: NodeId,
    /// Unique id of the parent.
    pub parent: String,
}

/// Nodes and edges, known to have no cycle.
#[derive(Clone, Debug)]
pub struct Dag {
    project: String,
    nodes: IndexMap<Box<str>, Node>,
    graph: DiGraph<(), EdgeKind>,
    /// Parents before children.
    order: Vec<NodeId>,
    missing: Vec<MissingParent>,
}

impl Dag {
    /// Name of the root project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// A node by its unique id.
    pub fn find(&self, unique_id: &str) -> Option<NodeId> {
        self.nodes.get_index_of(unique_id).map(|at| NodeIndex::new(at).into())
    }

    /// A node. It must be of this graph.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.index()]
    }

    /// All nodes, in the order of insertion.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.values().enumerate().map(|(at, node)| (NodeIndex::new(at).into(), node))
    }

    /// All nodes, parents before children.
    pub fn order(&self) -> &[NodeId] {
        &self.order
    }

    /// What a node waits for.
    pub fn parents(&self, node: NodeId) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        self.neighbors(node, Direction::Incoming)
    }

    /// What waits for a node.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        self.neighbors(node, Direction::Outgoing)
    }

    /// Parents that nodes name and that are not there. This is no error: dbt itself decides what it requires.
    pub fn missing_parents(&self) -> &[MissingParent] {
        &self.missing
    }

    /// An empty set of nodes of this graph.
    pub fn empty_set(&self) -> NodeSet {
        NodeSet::with_len(self.len())
    }

    pub(crate) fn neighbors(&self, node: NodeId, direction: Direction) -> impl Iterator<Item = (NodeId, EdgeKind)> {
        use petgraph::visit::EdgeRef;
        self.graph.edges_directed(node.petgraph(), direction).map(move |edge| {
            let other = if direction == Direction::Outgoing { edge.target() } else { edge.source() };
            (other.into(), *edge.weight())
        })
    }
}

/// Collects what a [`Dag`] is made of.
#[derive(Clone, Debug, Default)]
pub struct DagBuilder {
    project: String,
    specs: Vec<GraphNode>,
    python: Vec<(String, String)>,
    orders: Vec<(String, String)>,
}

impl DagBuilder {
    /// Begins the graph of the named root project.
    pub fn new(project: impl Into<String>) -> Self {
        Self { project: project.into(), ..Self::default() }
    }

    /// Adds nodes: dbt's, or others with a unique id and a resource type of their own (`script`).
    pub fn nodes(&mut self, nodes: impl IntoIterator<Item = GraphNode>) -> &mut Self {
        self.specs.extend(nodes);
        self
    }

    /// Says that a node is the Python or notebook model in `file` (below the project, with `/`). If dbt knows the
    /// node by another file, that one is its stub, and selectors find the node by both files and both folders.
    pub fn python_model(&mut self, unique_id: impl Into<String>, file: impl Into<String>) -> &mut Self {
        self.python.push((unique_id.into(), file.into()));
        self
    }

    /// Makes one node wait for another that it does not read.
    pub fn run_before(&mut self, first: impl Into<String>, then: impl Into<String>) -> &mut Self {
        self.orders.push((first.into(), then.into()));
        self
    }

    /// Links the nodes.
    ///
    /// # Errors
    /// When two nodes share a unique id, something names a node that is not there, or there is a cycle.
    pub fn build(self) -> Result<Dag, DagError> {
        let mut nodes = index(self.specs)?;
        mark_python(&mut nodes, self.python)?;
        let (mut graph, missing) = link(&mut nodes);
        add_orders(&nodes, &mut graph, self.orders)?;
        let order = match toposort(&graph, None) {
            Ok(order) => order.into_iter().map(NodeId::from).collect(),
            Err(_) => return Err(DagError::Cycle { cycles: find_cycles(&graph, |at| nodes[at.index()].unique_id()) }),
        };
        Ok(Dag { project: self.project, nodes, graph, order, missing })
    }
}

type Nodes = IndexMap<Box<str>, Node>;

fn index(specs: Vec<GraphNode>) -> Result<Nodes, DagError> {
    let mut nodes = IndexMap::with_capacity(specs.len());
    for spec in specs {
        if let Some(twin) = nodes.insert(spec.unique_id.clone().into_boxed_str(), Node::new(spec)) {
            return Err(DagError::Duplicate { id: twin.unique_id().to_owned() });
        }
    }
    Ok(nodes)
}

fn mark_python(nodes: &mut Nodes, python: Vec<(String, String)>) -> Result<(), DagError> {
    for (id, file) in python {
        match nodes.get_mut(id.as_str()) {
            Some(node) => node.become_python(&file),
            None => return Err(DagError::UnknownNode { id, needed_by: Some(file) }),
        }
    }
    Ok(())
}

/// Edges of what each node reads; a parent named twice gives one edge.
fn link(nodes: &mut Nodes) -> (DiGraph<(), EdgeKind>, Vec<MissingParent>) {
    let edges = nodes.values().map(|node| node.spec().depends_on.len()).sum();
    let mut graph = DiGraph::with_capacity(nodes.len(), edges);
    for _ in 0..nodes.len() {
        graph.add_node(());
    }
    let mut missing = Vec::new();
    // For each node the last child that named it.
    let mut named_by = vec![usize::MAX; nodes.len()];
    for child in 0..nodes.len() {
        for parent in &nodes[child].spec().depends_on {
            match nodes.get_index_of(parent.as_str()) {
                Some(at) if named_by[at] == child => {}
                Some(at) => {
                    named_by[at] = child;
                    graph.add_edge(NodeIndex::new(at), NodeIndex::new(child), EdgeKind::Data);
                }
                None => missing.push(MissingParent { node: NodeIndex::new(child).into(), parent: parent.clone() }),
            }
        }
    }
    for gap in &missing {
        nodes[gap.node.index()].incomplete = true;
    }
    (graph, missing)
}

fn add_orders(nodes: &Nodes, graph: &mut DiGraph<(), EdgeKind>, orders: Vec<(String, String)>) -> Result<(), DagError> {
    let find = |id: &str, other: &str| {
        let unknown = || DagError::UnknownNode { id: id.to_owned(), needed_by: Some(other.to_owned()) };
        nodes.get_index_of(id).map(NodeIndex::new).ok_or_else(unknown)
    };
    for (first, then) in orders {
        let (from, to) = (find(&first, &then)?, find(&then, &first)?);
        if !graph.contains_edge(from, to) {
            graph.add_edge(from, to, EdgeKind::Order);
        }
    }
    Ok(())
}
