//! The notebook file: JSON of nbformat 3 or 4.

use fal_plugin::payload::Diagnostic;
use serde::Deserialize;
use serde_json::Value;

use crate::{diagnose, source};

/// A notebook file as it stands. What we do not need (outputs, above all) is skipped without being read.
#[derive(Debug, Deserialize)]
struct File {
    nbformat: Option<Value>,
    #[serde(default)]
    metadata: Value,
    cells: Option<Vec<FileCell>>,
    worksheets: Option<Vec<Worksheet>>,
}

#[derive(Debug, Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<FileCell>,
}

#[derive(Debug, Deserialize)]
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

/// What a cell holds.
#[derive(Debug)]
pub(crate) enum CellKind {
    /// Code, with its source; `None` if that is not text.
    Code(Option<String>),
    /// Text, headings, raw content.
    Prose,
    /// No kind that nbformat knows.
    Unknown(String),
}

/// Reads a notebook.
pub(crate) fn read(bytes: &[u8]) -> Result<Document, Diagnostic> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| diagnose::not_utf8(bytes, error.valid_up_to()))?;
    if text.trim().is_empty() {
        return Err(diagnose::empty());
    }
    let file: File = serde_json::from_str(text).map_err(|error| diagnose::unreadable(text, &error))?;
    match version(&file)? {
        3 => Ok(document(file.worksheets.unwrap_or_default().into_iter().flat_map(|sheet| sheet.cells), file.metadata)),
        _ => match file.cells {
            Some(cells) => Ok(document(cells.into_iter(), file.metadata)),
            None => Err(diagnose::no_notebook("it has no `cells`")),
        },
    }
}

fn version(file: &File) -> Result<u64, Diagnostic> {
    let version = file.nbformat.as_ref().ok_or_else(|| diagnose::no_notebook("it has no `nbformat`"))?;
    match version.as_u64() {
        Some(version @ 3..=4) => Ok(version),
        Some(version) => Err(diagnose::unknown_version(version)),
        None => Err(diagnose::no_notebook("its `nbformat` is no number")),
    }
}

fn document(cells: impl Iterator<Item = FileCell>, metadata: Value) -> Document {
    Document { metadata, cells: cells.map(Cell::from).collect() }
}

impl From<FileCell> for Cell {
    fn from(cell: FileCell) -> Self {
        let kind = match cell.cell_type.as_str() {
            Some("code") => CellKind::Code(source::read(cell.input.as_ref().unwrap_or(&cell.source))),
            Some("markdown" | "raw" | "heading" | "html") => CellKind::Prose,
            other => CellKind::Unknown(other.unwrap_or("?").to_owned()),
        };
        let tags = cell.metadata.get("tags").and_then(Value::as_array).into_iter().flatten();
        let tags = tags.filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
        Self { kind, language: cell.language, tags }
    }
}
