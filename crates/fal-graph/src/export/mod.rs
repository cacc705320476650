//! The graph as text for other programs: Graphviz dot, Mermaid, JSON.

mod dot;
mod json;
mod mermaid;
mod picture;
#[cfg(test)]
mod tests;

use crate::graph::Dag;
use crate::set::NodeSet;
use picture::Picture;

/// The format of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid's flowchart.
    Mermaid,
    /// Nodes and edges.
    Json,
}

/// Renders the given nodes and the edges between them. Nodes that are connected only through others
/// get an edge that is marked as indirect.
pub fn render(dag: &Dag, nodes: &NodeSet, format: Format) -> String {
    let picture = Picture::of(dag, nodes);
    match format {
        Format::Dot => dot::render(&picture),
        Format::Mermaid => mermaid::render(&picture),
        Format::Json => json::render(&picture),
    }
}
