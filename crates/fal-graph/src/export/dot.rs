//! Graphviz dot.

use std::fmt::Write;

use super::picture::Picture;
use crate::kind::NodeKind;

pub(super) fn render(picture: &Picture<'_>) -> String {
    let mut text = String::from(
        "digraph dag {\n  rankdir=LR;\n  node [style=filled, fontname=\"sans-serif\", fillcolor=\"#ffffff\"];\n",
    );
    for (at, node) in picture.nodes.iter().enumerate() {
        let (shape, color) = look(node.kind());
        let (label, id) = (quoted(&node.label()), quoted(node.unique_id()));
        let _ = writeln!(
            text,
            "  n{at} [label={label}, tooltip={id}, shape={shape}, fillcolor=\"{color}\"];"
        );
    }
    for (from, to, link) in &picture.edges {
        let style = if link.is_dashed() {
            " [style=dashed]"
        } else {
            ""
        };
        let _ = writeln!(text, "  n{from} -> n{to}{style};");
    }
    text.push_str("}\n");
    text
}

fn look(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Sql => ("box", "#cfe2ff"),
        NodeKind::Python => ("box", "#fff3bf"),
        NodeKind::Notebook => ("note", "#ffe0cc"),
        NodeKind::Seed => ("folder", "#d8f5d0"),
        NodeKind::Snapshot => ("box3d", "#cfe2ff"),
        NodeKind::Source => ("cylinder", "#d8f5d0"),
        NodeKind::Test | NodeKind::UnitTest => ("ellipse", "#eeeeee"),
        NodeKind::Exposure => ("oval", "#f3d9fa"),
        NodeKind::Semantic => ("hexagon", "#f3d9fa"),
        NodeKind::Script => ("cds", "#fff3bf"),
        NodeKind::Other => ("box", "#ffffff"),
    }
}

/// Returns a quoted string in dot. Backslashes are escaped, since they begin dot's own escape
/// sequences.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace(['\n', '\r'], " ");
    format!("\"{escaped}\"")
}
