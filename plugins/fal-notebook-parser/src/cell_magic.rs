//! Cells that begin with `%%`.

use crate::{
    call,
    escape::partition,
    run_once::{first_line, has_python_body},
    sql,
};

/// A cell that begins with a cell magic.
pub(crate) enum CellMagic {
    /// The first line becomes this one, and the body is converted like a cell.
    PythonBody(String),
    /// The whole cell becomes these lines, as many as it had.
    Whole(Vec<String>),
}

/// Reads a cell whose first line is `first`; `None` if it is no cell magic.
pub(crate) fn read<S: AsRef<str>>(first: &str, body: &[S]) -> Option<CellMagic> {
    let (name, line) = partition(first.strip_prefix("%%")?.trim_end());
    if asks_for_help(name) {
        return None;
    }
    if has_python_body(name) {
        return Some(CellMagic::PythonBody(first_line(name, line)));
    }
    let sql = if name == "sql" {
        sql::cell(line, body)
    } else {
        None
    };
    Some(CellMagic::Whole(
        sql.unwrap_or_else(|| call::cell_magic(name, line, body)),
    ))
}

/// `%%name?` asks about the magic.
fn asks_for_help(name: &str) -> bool {
    name.split_once('?').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
    })
}
