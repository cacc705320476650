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

/// A language of graphs.
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

/// The given nodes and how they hang together. Nodes that are connected only through others get an edge marked so.
pub fn render(dag: &Dag, nodes: &NodeSet, format: Format) -> String {
    let picture = Picture::of(dag, nodes);
    match format {
        Format::Dot => dot::render(&picture),
        Format::Mermaid => mermaid::render(&picture),
        Format::Json => json::render(&picture),
    }
}
