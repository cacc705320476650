//! Mermaid's flowchart.

use std::fmt::Write;

use super::picture::Picture;
use crate::kind::NodeKind;

const CLASSES: &str = "  classDef sql fill:#cfe2ff
  classDef python fill:#fff3bf
  classDef notebook fill:#ffe0cc
  classDef data fill:#d8f5d0
  classDef test fill:#eeeeee
  classDef use fill:#f3d9fa
  classDef other fill:#ffffff
";

pub(super) fn render(picture: &Picture<'_>) -> String {
    let mut text = String::from("flowchart LR\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let (open, close, class) = look(node.kind());
        let _ = writeln!(
            text,
            "  n{at}{open}\"{}\"{close}:::{class}",
            escaped(&node.label())
        );
    }
    for (from, to, link) in &picture.edges {
        let arrow = if link.is_dashed() { "-.->" } else { "-->" };
        let _ = writeln!(text, "  n{from} {arrow} n{to}");
    }
    text.push_str(CLASSES);
    text
}

fn look(kind: NodeKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        NodeKind::Sql | NodeKind::Snapshot => ("[", "]", "sql"),
        NodeKind::Python => ("[", "]", "python"),
        NodeKind::Script => (">", "]", "python"),
        NodeKind::Notebook => ("[[", "]]", "notebook"),
        NodeKind::Seed | NodeKind::Source => ("[(", ")]", "data"),
        NodeKind::Test | NodeKind::UnitTest => ("([", "])", "test"),
        NodeKind::Exposure => ("([", "])", "use"),
        NodeKind::Semantic => ("{{", "}}", "use"),
        NodeKind::Other => ("[", "]", "other"),
    }
}

/// Returns text to put between quotes, where Mermaid reads `#` entities, HTML and Markdown (which
/// begins with a backtick).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '<' | '>' | '&' | '`' | ';' | '\\' => {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
