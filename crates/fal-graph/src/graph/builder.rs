//! Builds a graph from nodes, Python models, edges and scripts, and checks it for cycles.

use fal_plugin::payload::GraphNode;
use indexmap::IndexMap;
use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use super::dag::{Dag, EdgeKind, Nodes};
use super::script::{AttachedScript, attach};
use crate::cycle::find_cycles;
use crate::error::DagError;
use crate::node::Node;
use crate::set::NodeId;

/// Collects the parts of a [`Dag`].
#[derive(Clone, Debug, Default)]
pub struct DagBuilder {
    project: String,
    specs: Vec<GraphNode>,
    python: Vec<(String, String)>,
    edges: Vec<(String, EdgeKind, String)>,
    scripts: Vec<AttachedScript>,
}

impl DagBuilder {
    /// Begins the graph of the named root project.
    pub fn new(project: impl Into<String>) -> Self {
        Self {
            project: project.into(),
            ..Self::default()
        }
    }

    /// Adds nodes: dbt's, or others with their own unique id and resource type (`script`).
    pub fn nodes(&mut self, nodes: impl IntoIterator<Item = GraphNode>) -> &mut Self {
        self.specs.extend(nodes);
        self
    }

    /// Says that a node is the Python or notebook model in `file` (below the project, with `/`). If dbt knows the
    /// node by another file, that one is its stub, and selectors find the node by both files and both folders.
    pub fn python_model(
        &mut self,
        unique_id: impl Into<String>,
        file: impl Into<String>,
    ) -> &mut Self {
        self.python.push((unique_id.into(), file.into()));
        self
    }

    /// Makes a node wait for another that it does not name as a parent.
    pub fn edge(
        &mut self,
        from: impl Into<String>,
        kind: EdgeKind,
        to: impl Into<String>,
    ) -> &mut Self {
        self.edges.push((from.into(), kind, to.into()));
        self
    }

    /// Attaches a script to a model. Scripts on one side of a model run in the order in which they are attached.
    pub fn script(&mut self, script: AttachedScript) -> &mut Self {
        self.scripts.push(script);
        self
    }

    /// Links the nodes.
    ///
    /// # Errors
    /// If two nodes share a unique id, a name refers to a missing node, or there is a cycle.
    pub fn build(self) -> Result<Dag, DagError> {
        let mut nodes = index(self.specs)?;
        mark_python(&mut nodes, self.python)?;
        let mut graph = link(&mut nodes);
        add_edges(&nodes, &mut graph, self.edges)?;
        attach(&mut nodes, &mut graph, self.scripts)?;
        let order = sorted(&nodes, &graph)?;
        Ok(Dag {
            project: self.project,
            nodes,
            graph,
            order,
        })
    }
}

/// Parents before children.
pub(super) fn sorted(
    nodes: &Nodes,
    graph: &DiGraph<(), EdgeKind>,
) -> Result<Vec<NodeId>, DagError> {
    match toposort(graph, None) {
        Ok(order) => Ok(order.into_iter().map(NodeId::from).collect()),
        Err(_) => Err(DagError::Cycle {
            cycles: find_cycles(graph, |at| nodes[at.index()].unique_id()),
        }),
    }
}

fn index(specs: Vec<GraphNode>) -> Result<Nodes, DagError> {
    let mut nodes = IndexMap::with_capacity(specs.len());
    for spec in specs {
        if let Some(twin) = nodes.insert(spec.unique_id.clone().into_boxed_str(), Node::new(spec)) {
            return Err(DagError::Duplicate {
                id: twin.unique_id().to_owned(),
            });
        }
    }
    Ok(nodes)
}

fn mark_python(nodes: &mut Nodes, python: Vec<(String, String)>) -> Result<(), DagError> {
    for (id, file) in python {
        match nodes.get_mut(id.as_str()) {
            Some(node) => node.become_python(&file),
            None => {
                return Err(DagError::UnknownNode {
                    id,
                    needed_by: Some(file),
                });
            }
        }
    }
    Ok(())
}

/// Adds edges from the parents of each node. A parent that is named twice gives one edge. One that
/// does not exist is no error, since dbt itself checks what it requires: it is disabled, or the
/// backend left out its kind.
fn link(nodes: &mut Nodes) -> DiGraph<(), EdgeKind> {
    let edges = nodes
        .values()
        .map(|node| node.spec().depends_on.len())
        .sum();
    let mut graph = DiGraph::with_capacity(nodes.len(), edges);
    for _ in 0..nodes.len() {
        graph.add_node(());
    }
    let mut incomplete = Vec::new();
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
                None => incomplete.push(child),
            }
        }
    }
    for node in incomplete {
        nodes[node].incomplete = true;
    }
    graph
}

fn add_edges(
    nodes: &Nodes,
    graph: &mut DiGraph<(), EdgeKind>,
    edges: Vec<(String, EdgeKind, String)>,
) -> Result<(), DagError> {
    let find = |id: &str, other: &str| {
        let unknown = || DagError::UnknownNode {
            id: id.to_owned(),
            needed_by: Some(other.to_owned()),
        };
        nodes
            .get_index_of(id)
            .map(NodeIndex::new)
            .ok_or_else(unknown)
    };
    for (from, kind, to) in edges {
        let (start, end) = (find(&from, &to)?, find(&to, &from)?);
        if !graph.contains_edge(start, end) {
            graph.add_edge(start, end, kind);
        }
    }
    Ok(())
}
