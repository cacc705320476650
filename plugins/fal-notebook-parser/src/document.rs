//! The notebook file: JSON of nbformat 3 or 4.

use fal_plugin::payload::Diagnostic;
use serde::{de::IgnoredAny, Deserialize};
use serde_json::Value;

use crate::diagnose;

/// A notebook file. Keys that are not needed here, above all outputs, are skipped without being
/// read.
#[derive(Debug, Deserialize)]
struct File {
    nbformat: Option<Value>,
    #[serde(default)]
    metadata: Value,
    cells: Option<Vec<FileCell>>,
    worksheets: Option<Vec<Worksheet>>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a worksheet")]
struct Worksheet {
    #[serde(default)]
    cells: Vec<FileCell>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a cell")]
struct FileCell {
    #[serde(default)]
    cell_type: Value,
    #[serde(default)]
    source: Value,
    /// Where nbformat 3 keeps the source of code cells.
    input: Option<Value>,
    /// nbformat 3 names the language in each code cell.
    language: Option<String>,
    #[serde(default)]
    metadata: Value,
}

/// A notebook, whatever its format.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) metadata: Value,
    pub(crate) cells: Vec<Cell>,
}

/// A cell of any kind.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) kind: CellKind,
    pub(crate) language: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// The content of a cell.
#[derive(Debug)]
pub(crate) enum CellKind {
    /// Code, with its source; `None` if that is not text.
    Code(Option<String>),
    /// Text, headings or raw content.
    Prose,
    /// A kind that nbformat does not know.
    Unknown(String),
}

/// Reads a notebook.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| diagnose::not_utf8(bytes, error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err(diagnose::empty());
    }
    let unreadable = |error: serde_json::Error| diagnose::unreadable(text, &error);
    if !text.trim_start().starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(unreadable)?;
        return Err(diagnose::no_notebook("it is not an object"));
    }
    let file: File = serde_json::from_str(text).map_err(unreadable)?;
    match version(&file)? {
        3 => Ok(document(
            file.worksheets
                .unwrap_or_default()
                .into_iter()
                .flat_map(|sheet| sheet.cells),
            file.metadata,
        )),
        _ => match file.cells {
            Some(cells) => Ok(document(cells.into_iter(), file.metadata)),
            None => Err(diagnose::no_notebook("it has no `cells`")),
        },
    }
}

fn version(file: &File) -> Result<u64, Diagnostic> {
    let version = file
        .nbformat
        .as_ref()
        .ok_or_else(|| diagnose::no_notebook("it has no `nbformat`"))?;
    match version.as_u64() {
        Some(version @ 3..=4) => Ok(version),
        Some(version) => Err(diagnose::unknown_version(version)),
        None => Err(diagnose::no_notebook(
            "its `nbformat` is not a whole number",
        )),
    }
}

fn document(cells: impl Iterator<Item = FileCell>, metadata: Value) -> Document {
    Document {
        metadata,
        cells: cells.map(Cell::from).collect(),
    }
}

impl From<FileCell> for Cell {
    fn from(cell: FileCell) -> Self {
        let kind = match cell.cell_type.as_str() {
            Some("code") => {
                CellKind::Code(joined_source(cell.input.as_ref().unwrap_or(&cell.source)))
            }
            Some("markdown" | "raw" | "heading" | "html") => CellKind::Prose,
            other => CellKind::Unknown(other.unwrap_or("?").to_owned()),
        };
        let tags = cell
            .metadata
            .get("tags")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let tags = tags
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect();
        Self {
            kind,
            language: cell.language,
            tags,
        }
    }
}

/// Returns the source of a cell, which is a text or a list of lines. Lines without line ends get them.
fn joined_source(source: &Value) -> Option<String> {
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

    fn refusal(bytes: &[u8]) -> String {
        let diagnostic = read(bytes).unwrap_err();
        let place = diagnostic.labels.first().map(|label| label.span.from);
        let place = place.map_or_else(String::new, |at| format!(" ({}:{})", at.line, at.column));
        format!("{}: {}{place}", diagnostic.code, diagnostic.message)
    }

    fn sources(text: &str) -> Vec<String> {
        let source = |cell: Cell| match cell.kind {
            CellKind::Code(Some(source)) => source,
            other => format!("{other:?}"),
        };
        read(text.as_bytes())
            .unwrap()
            .cells
            .into_iter()
            .map(source)
            .collect()
    }

    #[test]
    fn files_that_are_not_notebooks_are_distinguished() {
        insta::assert_snapshot!(refusal(b""), @"notebook::empty: the file is empty");
        insta::assert_snapshot!(refusal(b"\xef\xbb\xbf \n"), @"notebook::empty: the file is empty");
        insta::assert_snapshot!(refusal(b"print('hello')\n"), @"notebook::json: the file is not JSON: expected value (1:1)");
        insta::assert_snapshot!(refusal("{\n \"größe\": \"é\", ]".as_bytes()), @"notebook::json: the file is not JSON: key must be a string (2:16)");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 4, \"cells\": ["), @"notebook::json: the file is not JSON: EOF while parsing a list (1:26)");
        insta::assert_snapshot!(refusal(b"{}"), @"notebook::format: the file is JSON but not a notebook: it has no `nbformat`");
        let merged = b"{\n \"cells\": [\n  {\"cell_type\": \"code\",\n<<<<<<< HEAD\n  \"source\": \"a\"\n=======\n  \"source\": \"b\"\n>>>>>>> x\n}]}";
        insta::assert_snapshot!(refusal(merged), @"notebook::merge_conflict: the file contains the markers of an unfinished merge, the first in cell 1 (4:1)");
        assert_eq!(
            read(merged)
                .unwrap_err()
                .labels
                .iter()
                .map(|it| it.span.from.line)
                .collect::<Vec<_>>(),
            [4, 6, 8]
        );
        insta::assert_snapshot!(refusal(b"<<<<<<< HEAD\n{}"), @"notebook::merge_conflict: the file contains the markers of an unfinished merge, before its cells (1:1)");
        insta::assert_snapshot!(refusal(b"[1, 2]"), @"notebook::format: the file is JSON but not a notebook: it is not an object");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 4, \"cells\": [[1]]}"), @"notebook::format: the file is JSON but not a notebook: invalid length 2, expected a cell (1:29)");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 4}"), @"notebook::format: the file is JSON but not a notebook: it has no `cells`");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 4,\n\"cells\": 1}"), @"notebook::format: the file is JSON but not a notebook: invalid type: integer `1`, expected a sequence (2:10)");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": \"4\", \"cells\": []}"), @"notebook::format: the file is JSON but not a notebook: its `nbformat` is not a whole number");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 2, \"worksheets\": []}"), @"notebook::version: the notebook has nbformat 2, and only 3 and 4 are known");
        insta::assert_snapshot!(refusal(b"{\"nbformat\": 5, \"cells\": []}"), @"notebook::version: the notebook has nbformat 5, and only 3 and 4 are known");
        insta::assert_snapshot!(refusal(b"{\n\"n\xe4me\": 1}"), @"notebook::encoding: the file is not UTF-8 (2:3)");
    }

    #[test]
    fn a_byte_order_mark_and_outputs_are_passed_over() {
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        let cell = format!("{{\"cell_type\": \"code\", \"source\": \"x\", \"outputs\": {deep}}}");
        assert_eq!(
            sources(&format!("\u{feff}{{\"nbformat\": 4, \"cells\": [{cell}]}}")),
            ["x"]
        );
    }

    #[test]
    fn nbformat_3_has_worksheets_and_inputs() {
        let text = r#"{"nbformat": 3, "metadata": {"name": ""}, "worksheets": [
            {"cells": [{"cell_type": "code", "input": ["a\n", "b"], "language": "python"}]},
            {"cells": [{"cell_type": "heading", "level": 1, "source": "h"}, {"cell_type": "code", "input": "c"}]}]}"#;
        assert_eq!(sources(text), ["a\nb", "Prose", "c"]);
    }

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
            assert_eq!(joined_source(&source).as_deref(), text, "{source}");
        }
    }
}
