//! The source of a cell: a text, or a list of lines.

use serde_json::Value;

/// Joins the source. Lines without line ends get them.
pub(crate) fn read(source: &Value) -> Option<String> {
    match source {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Array(lines) => join(lines),
        _ => None,
    }
}

fn join(lines: &[Value]) -> Option<String> {
    let mut text = String::new();
    for line in lines {
        if !text.is_empty() && !text.ends_with(['\n', '\r']) {
            text.push('\n');
        }
        text.push_str(line.as_str()?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_source_gives_its_text() {
        for (source, text) in [
            (json!("a\nb"), Some("a\nb")),
            (json!(["a\n", "b"]), Some("a\nb")),
            (json!(["a", "b"]), Some("a\nb")),
            (json!(["a\r\n", "b\n", "c"]), Some("a\r\nb\nc")),
            (json!([]), Some("")),
            (json!(null), Some("")),
            (json!(1), None),
            (json!(["a", 1]), None),
        ] {
            assert_eq!(read(&source).as_deref(), text, "{source}");
        }
    }
}
