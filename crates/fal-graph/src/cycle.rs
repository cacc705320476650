//! Finds cycles, and reports each as its nodes.

use std::collections::VecDeque;
use std::fmt;

use petgraph::Direction;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Number of edges after which the search for a shorter cycle ends, so that even a huge component
/// is reported at once.
const SEARCH_BUDGET: usize = 5_000_000;

/// Nodes that wait for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Unique ids in the direction of the data; the last one feeds the first one.
    pub nodes: Vec<String>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            write!(f, "{node} -> ")?;
        }
        f.write_str(self.nodes.first().map_or("", String::as_str))
    }
}

/// Returns a shortest cycle of each strongly connected component, beginning with its first node in
/// the order of `name`.
pub(crate) fn find_cycles<'a, E>(
    graph: &DiGraph<(), E>,
    name: impl Fn(NodeIndex) -> &'a str,
) -> Vec<Cycle> {
    let mut cycles: Vec<Cycle> = kosaraju_scc(graph)
        .into_iter()
        .filter(|knot| knot.len() > 1 || graph.contains_edge(knot[0], knot[0]))
        .map(|knot| Cycle {
            nodes: named(shortest(graph, &knot), &name),
        })
        .collect();
    cycles.sort_by(|a, b| a.nodes.cmp(&b.nodes));
    cycles
}

fn named<'a>(mut cycle: Vec<NodeIndex>, name: impl Fn(NodeIndex) -> &'a str) -> Vec<String> {
    let first = (0..cycle.len())
        .min_by_key(|&at| name(cycle[at]))
        .unwrap_or(0);
    cycle.rotate_left(first);
    cycle
        .into_iter()
        .map(|node| name(node).to_owned())
        .collect()
}

/// Returns a shortest cycle of a strongly connected component.
fn shortest<E>(graph: &DiGraph<(), E>, knot: &[NodeIndex]) -> Vec<NodeIndex> {
    let mut search = Search {
        graph,
        from: vec![None; graph.node_count()],
        budget: SEARCH_BUDGET,
    };
    let mut starts = knot.to_vec();
    starts.sort_unstable();
    let mut best: Option<Vec<NodeIndex>> = None;
    for start in starts {
        if best.is_some() && search.budget == 0 {
            break;
        }
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        if let Some(cycle) = search.through(start, limit) {
            best = Some(cycle);
        }
    }
    best.unwrap_or_default()
}

struct Search<'a, E> {
    graph: &'a DiGraph<(), E>,
    /// The node from which the walk reached each node.
    from: Vec<Option<NodeIndex>>,
    budget: usize,
}

impl<E> Search<'_, E> {
    /// Returns a shortest cycle through `start` with fewer than `limit` nodes, by a breadth-first
    /// walk that ends when it comes back.
    fn through(&mut self, start: NodeIndex, limit: usize) -> Option<Vec<NodeIndex>> {
        let mut touched = Vec::new();
        let mut queue = VecDeque::from([(start, 1)]);
        let mut found = None;
        'walk: while let Some((node, length)) = queue.pop_front() {
            if length >= limit {
                break;
            }
            for next in self.graph.neighbors_directed(node, Direction::Outgoing) {
                self.budget = self.budget.saturating_sub(1);
                if next == start {
                    found = Some(self.path(start, node));
                    break 'walk;
                }
                if self.from[next.index()].is_none() {
                    self.from[next.index()] = Some(node);
                    touched.push(next);
                    queue.push_back((next, length + 1));
                }
            }
        }
        for node in touched {
            self.from[node.index()] = None;
        }
        found
    }

    fn path(&self, start: NodeIndex, end: NodeIndex) -> Vec<NodeIndex> {
        let mut path = vec![end];
        let mut at = end;
        while at != start {
            let Some(previous) = self.from[at.index()] else {
                break;
            };
            path.push(previous);
            at = previous;
        }
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

    fn cycles(edges: &[(u32, u32)]) -> Vec<String> {
        let mut graph: DiGraph<(), ()> = DiGraph::new();
        for _ in NAMES {
            graph.add_node(());
        }
        graph.extend_with_edges(edges);
        find_cycles(&graph, |node| NAMES[node.index()])
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_dag_has_none() {
        assert_eq!(cycles(&[(0, 1), (1, 2), (0, 2)]), Vec::<String>::new());
    }

    #[test]
    fn a_node_that_feeds_itself_is_a_cycle() {
        assert_eq!(cycles(&[(0, 1), (1, 1)]), ["b -> b"]);
    }

    #[test]
    fn the_shortest_way_round_is_shown() {
        assert_eq!(
            cycles(&[(0, 1), (1, 2), (2, 3), (3, 0), (3, 2)]),
            ["c -> d -> c"]
        );
    }

    #[test]
    fn each_knot_is_shown_once() {
        assert_eq!(
            cycles(&[(1, 0), (0, 1), (1, 4), (4, 5), (5, 6), (6, 4)]),
            ["a -> b -> a", "e -> f -> g -> e"]
        );
    }
}
