//! The graph as text for other programs: Graphviz dot, Mermaid, JSON.

mod dot;
mod mermaid;
mod picture;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::graph::Dag;
use crate::node::Node;
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
        Format::Json => render_json(&picture),
    }
}

/// Nodes and edges as JSON.
fn render_json(picture: &Picture<'_>) -> String {
    let nodes: Vec<Value> = picture.nodes.iter().map(|node| json_node(node)).collect();
    let edges: Vec<Value> = picture
        .edges
        .iter()
        .map(|(from, to, link)| {
            let id = |at: usize| picture.nodes[at].unique_id();
            json!({"from": id(*from), "to": id(*to), "kind": link.as_str()})
        })
        .collect();
    format!("{:#}\n", json!({"nodes": nodes, "edges": edges}))
}

fn json_node(node: &Node) -> Value {
    json!({
        "unique_id": node.unique_id(),
        "name": node.name(),
        "kind": node.kind().as_str(),
        "resource_type": node.resource_type(),
        "package_name": node.spec().package_name,
        "file": node.file(),
        "tags": node.tags().collect::<Vec<_>>(),
    })
}
