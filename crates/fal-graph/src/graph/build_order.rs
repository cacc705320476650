//! The order of `build`: unit tests ahead of their model, and what depends on all that a data test reads behind that test.
//! As dbt does it, a test of several nodes holds back only what depends on every one of them: so no cycle can arise.

use std::collections::HashMap;

use petgraph::Direction;
use petgraph::graph::NodeIndex;

use super::builder::sorted;
use super::dag::{Dag, EdgeKind};
use super::script::Side;
use crate::error::DagError;
use crate::node::Node;
use crate::set::{NodeId, NodeSet};

impl Dag {
    /// Returns a graph of the same nodes, with the same [`NodeId`]s, in the order of `build`. It is
    /// for scheduling only; selections use the original graph.
    ///
    /// Scripts behind a model do not wait for its tests; scripts ahead of a model wait for what the model waits for.
    ///
    /// # Errors
    /// If the new edges form a cycle, which cannot happen for a valid graph.
    pub fn in_build_order(&self) -> Result<Self, DagError> {
        let mut dag = self.clone();
        for (test, node) in (Tested {
            dag: self,
            below: HashMap::new(),
        })
        .edges()
        {
            dag.graph.update_edge(test, node, EdgeKind::Test);
        }
        dag.turn_unit_tests();
        dag.order = sorted(&dag.nodes, &dag.graph)?;
        Ok(dag)
    }

    /// Makes a unit test wait for what its model waits for, and the model wait for the test. The
    /// test needs the model's parents, not the model itself.
    fn turn_unit_tests(&mut self) {
        let turned: Vec<(NodeIndex, NodeIndex)> = self
            .nodes()
            .filter_map(|(id, _)| self.unit_test(id))
            .collect();
        let tests: NodeSet = turned.iter().map(|(test, _)| NodeId::from(*test)).collect();
        self.graph.retain_edges(|graph, edge| {
            graph
                .edge_endpoints(edge)
                .is_none_or(|(_, end)| !tests.contains(NodeId::from(end)))
        });
        let waits: Vec<_> = turned
            .iter()
            .map(|(_, model)| self.ahead_of(*model))
            .collect();
        for ((test, model), (parents, scripts)) in turned.into_iter().zip(waits) {
            for (parent, kind) in parents {
                self.graph.update_edge(parent, test, kind);
            }
            for end in scripts.into_iter().chain([model]) {
                self.graph.update_edge(test, end, EdgeKind::Test);
            }
        }
    }

    /// A unit test and its model.
    fn unit_test(&self, id: NodeId) -> Option<(NodeIndex, NodeIndex)> {
        let node = self.node(id);
        let is_unit_test = node.resource_type() == "unit_test" && node.is_enabled();
        let model = node.spec().depends_on.first().filter(|_| is_unit_test)?;
        Some((id.petgraph(), self.find(model)?.petgraph()))
    }

    /// Returns what a model waits for, and separately the scripts before it.
    fn ahead_of(&self, model: NodeIndex) -> (Vec<(NodeIndex, EdgeKind)>, Vec<NodeIndex>) {
        let (mut parents, mut scripts) = (Vec::new(), Vec::new());
        for (parent, kind) in self.neighbors(model.into(), Direction::Incoming) {
            match self.node(parent).side {
                Some(Side::Before) => scripts.push(parent.petgraph()),
                _ => parents.push((
                    parent.petgraph(),
                    if kind == EdgeKind::Data {
                        EdgeKind::Order
                    } else {
                        kind
                    },
                )),
            }
        }
        (parents, scripts)
    }
}

/// Finds the nodes that wait for data tests.
struct Tested<'a> {
    dag: &'a Dag,
    /// Returns all descendants of a node.
    below: HashMap<NodeId, NodeSet>,
}

impl Tested<'_> {
    /// Returns edges from each data test to the first nodes behind it. The other nodes wait for
    /// those.
    fn edges(&mut self) -> Vec<(NodeIndex, NodeIndex)> {
        let mut edges = Vec::new();
        for (test, node) in self.dag.nodes().filter(|(_, node)| is_data_test(node)) {
            debug_assert!(node.side.is_none());
            let read: Vec<NodeId> = self.dag.parents(test).map(|(parent, _)| parent).collect();
            let first = match read[..] {
                [] => Vec::new(),
                [one] => self
                    .dag
                    .children(one)
                    .map(|(child, _)| child)
                    .filter(|child| self.waits(*child))
                    .collect(),
                _ => self.first_below_all(&read),
            };
            edges.extend(
                first
                    .into_iter()
                    .map(|node| (test.petgraph(), node.petgraph())),
            );
        }
        edges
    }

    fn first_below_all(&mut self, read: &[NodeId]) -> Vec<NodeId> {
        let mut common = self.below(read[0]).clone();
        for node in &read[1..] {
            common.intersect_with(self.below(*node));
        }
        let waiting: NodeSet = common.iter().filter(|node| self.waits(*node)).collect();
        // Ignore scripts among the parents: a model's unit tests wait for what the model waits for,
        // but not for its scripts.
        let counts =
            |parent: NodeId| waiting.contains(parent) && self.dag.node(parent).side.is_none();
        let is_first = |node: &NodeId| !self.dag.parents(*node).any(|(parent, _)| counts(parent));
        waiting.iter().filter(is_first).collect()
    }

    fn below(&mut self, node: NodeId) -> &NodeSet {
        let dag = self.dag;
        self.below.entry(node).or_insert_with(|| {
            let (mut found, mut stack) = (dag.empty_set(), vec![node]);
            while let Some(next) = stack.pop() {
                let children = dag.children(next).filter(|(_, kind)| kind.is_followed());
                stack.extend(
                    children
                        .map(|(child, _)| child)
                        .filter(|child| found.insert(*child)),
                );
            }
            found
        })
    }

    /// Returns whether a node waits for tests of its parents.
    fn waits(&self, id: NodeId) -> bool {
        let node = self.dag.node(id);
        match node.side {
            Some(side) => side == Side::Before,
            None => node.is_manifest_node() && !node.is_test(),
        }
    }
}

/// Returns whether the node is a data test whose parents all exist.
fn is_data_test(node: &Node) -> bool {
    node.resource_type() == "test" && node.is_enabled() && !node.incomplete
}
