//! Nodes and edges as JSON.

use serde_json::{Value, json};

use super::picture::Picture;
use crate::node::Node;

pub(super) fn render(picture: &Picture<'_>) -> String {
    let nodes: Vec<Value> = picture.nodes.iter().map(|node| self::node(node)).collect();
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

fn node(node: &Node) -> Value {
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
