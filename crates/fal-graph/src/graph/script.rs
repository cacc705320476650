//! Scripts before and after models: the nodes and edges that they add to the graph.

use fal_plugin::payload::GraphNode;
use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::dag::{EdgeKind, Nodes};
use crate::error::DagError;
use crate::node::Node;

/// Whether a script runs before or after its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Behind the model's parents and their scripts, ahead of the model.
    Before,
    /// Behind the model, ahead of the model's children and their scripts. Tests of the model do not wait for it.
    After,
}

/// A script that a schema file attaches to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedScript {
    /// Its unique id, which is also its name: `script.orders.AFTER.tell.py`.
    pub id: String,
    /// Unique id of its model.
    pub model: String,
    /// Its side of the model.
    pub side: Side,
    /// Its file, below the project, with `/`.
    pub file: String,
}

impl AttachedScript {
    /// Returns its node, in the package of its model. The node has no fully qualified name:
    /// selectors find it by its file or its id.
    fn node(&self, package: &str) -> Node {
        let mut node = Node::new(GraphNode {
            unique_id: self.id.clone(),
            name: self.id.clone(),
            resource_type: "script".to_owned(),
            package_name: package.to_owned(),
            original_file_path: self.file.clone(),
            ..GraphNode::default()
        });
        node.side = Some(self.side);
        node
    }
}

/// Adds scripts to a graph whose other nodes are linked already.
pub(super) fn attach(
    nodes: &mut Nodes,
    graph: &mut DiGraph<(), EdgeKind>,
    scripts: Vec<AttachedScript>,
) -> Result<(), DagError> {
    let first = nodes.len();
    let mut models: IndexMap<NodeIndex, OfModel> = IndexMap::new();
    for script in scripts {
        let (model, at) = add_node(nodes, graph, &script)?;
        let of_model = models.entry(model).or_default();
        match script.side {
            Side::Before => of_model.before.push(at),
            Side::After => of_model.after.push(at),
        }
    }
    let mut linker = Linker {
        nodes,
        graph,
        first,
        models: &models,
    };
    models
        .iter()
        .for_each(|(model, scripts)| linker.link(*model, scripts));
    Ok(())
}

/// The scripts of one model, in the order in which they are listed.
#[derive(Default)]
struct OfModel {
    before: Vec<NodeIndex>,
    after: Vec<NodeIndex>,
}

/// The model, and the new node of its script.
fn add_node(
    nodes: &mut Nodes,
    graph: &mut DiGraph<(), EdgeKind>,
    script: &AttachedScript,
) -> Result<(NodeIndex, NodeIndex), DagError> {
    let unknown = || DagError::UnknownNode {
        id: script.model.clone(),
        needed_by: Some(script.file.clone()),
    };
    let model = nodes
        .get_index_of(script.model.as_str())
        .ok_or_else(unknown)?;
    let node = script.node(&nodes[model].spec().package_name);
    if nodes
        .insert(script.id.clone().into_boxed_str(), node)
        .is_some()
    {
        return Err(DagError::Duplicate {
            id: script.id.clone(),
        });
    }
    Ok((NodeIndex::new(model), graph.add_node(())))
}

struct Linker<'a> {
    nodes: &'a Nodes,
    graph: &'a mut DiGraph<(), EdgeKind>,
    /// Index of the first script among the nodes.
    first: usize,
    models: &'a IndexMap<NodeIndex, OfModel>,
}

impl Linker<'_> {
    fn link(&mut self, model: NodeIndex, scripts: &OfModel) {
        for (parent, kind) in self.around(model, Direction::Incoming) {
            self.connect(&[parent], kind, &scripts.before);
        }
        self.connect(&scripts.before, EdgeKind::Order, &[model]);
        self.connect(&[model], EdgeKind::Order, &scripts.after);
        for (child, kind) in self.around(model, Direction::Outgoing) {
            if self.nodes[child.index()].is_test() {
                continue;
            }
            self.connect(&scripts.after, kind, &[child]);
            if let Some(of_child) = self.models.get(&child) {
                self.connect(&scripts.after, kind, &of_child.before);
            }
        }
        for list in [&scripts.before, &scripts.after] {
            list.windows(2)
                .for_each(|pair| self.connect(&pair[..1], EdgeKind::Sequence, &pair[1..]));
        }
    }

    fn connect(&mut self, from: &[NodeIndex], kind: EdgeKind, to: &[NodeIndex]) {
        for &start in from {
            for &end in to {
                self.graph.add_edge(start, end, kind);
            }
        }
    }

    /// Returns what a model waits for, or what waits for it, apart from scripts. Its edges become
    /// order-only edges for scripts, since scripts do not read the parents' data.
    fn around(&self, model: NodeIndex, direction: Direction) -> Vec<(NodeIndex, EdgeKind)> {
        let edges = self.graph.edges_directed(model, direction).map(|edge| {
            let other = if direction == Direction::Incoming {
                edge.source()
            } else {
                edge.target()
            };
            (
                other,
                if *edge.weight() == EdgeKind::Data {
                    EdgeKind::Order
                } else {
                    *edge.weight()
                },
            )
        });
        edges
            .filter(|(other, _)| other.index() < self.first)
            .collect()
    }
}
