//! The Python text of a notebook, and the mapping of its lines to the cells that users see.

use fal_plugin::payload::{Label, LineOrigin};
use serde::{Deserialize, Serialize};

use crate::diagnostics::{Excerpt, floor_boundary, span_of};

/// A notebook as the notebook parser converted it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotebookText {
    /// The code cells as one Python module.
    pub python: String,
    /// Where each line of `python` came from.
    pub lines: Vec<LineOrigin>,
}

/// Groups labels by the cell that they mark, in the order of first mention.
pub(crate) fn place_in_cells(labels: Vec<Label>, notebook: &NotebookText) -> Vec<Excerpt> {
    let mut excerpts: Vec<Excerpt> = Vec::new();
    for label in labels {
        let Some(cell) = cell_of(&label, notebook) else {
            continue;
        };
        let index = excerpts
            .iter()
            .position(|excerpt| excerpt.cell == Some(cell))
            .unwrap_or_else(|| {
                excerpts.push(Excerpt {
                    cell: Some(cell),
                    source: cell_source(cell, notebook),
                    labels: Vec::new(),
                });
                excerpts.len() - 1
            });
        let excerpt = &mut excerpts[index];
        let placed = in_cell(&label, cell, notebook, &excerpt.source);
        excerpt.labels.push(placed);
    }
    excerpts
}

fn cell_of(label: &Label, notebook: &NotebookText) -> Option<u32> {
    let (line, _) = line_and_rest(&notebook.python, label.span.start as usize);
    notebook
        .lines
        .get(line)
        .or(notebook.lines.last())
        .map(|origin| origin.cell)
}

/// Returns the index of the line at an offset, and the number of bytes before the offset on that
/// line.
fn line_and_rest(text: &str, offset: usize) -> (usize, usize) {
    let at = floor_boundary(text, offset);
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.bytes().filter(|byte| *byte == b'\n').count(),
        at - line_start,
    )
}

/// Returns the cell's text that became Python: line n of the cell is line n of the result.
fn cell_source(cell: u32, notebook: &NotebookText) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for (text, origin) in notebook
        .python
        .lines()
        .zip(&notebook.lines)
        .filter(|(_, origin)| origin.cell == cell)
    {
        // A plugin may answer a line number far beyond the text, which must not cost memory.
        let index = (origin.line.max(1) as usize - 1).min(notebook.lines.len());
        if index >= lines.len() {
            lines.resize(index + 1, "");
            lines[index] = text;
        }
    }
    lines.join("\n")
}

fn in_cell(label: &Label, cell: u32, notebook: &NotebookText, source: &str) -> Label {
    let start = cell_offset(label.span.start as usize, cell, notebook, source).unwrap_or(0);
    let end = cell_offset(label.span.end as usize, cell, notebook, source)
        .unwrap_or_else(|| line_end(source, start));
    Label {
        span: span_of(source, start, end.max(start)),
        text: label.text.clone(),
    }
}

/// Returns the offset in the cell's text, if that place of the Python text belongs to the cell.
fn cell_offset(offset: usize, cell: u32, notebook: &NotebookText, source: &str) -> Option<usize> {
    let (line, rest) = line_and_rest(&notebook.python, offset);
    let origin = notebook
        .lines
        .get(line)
        .filter(|origin| origin.cell == cell)?;
    let line_start: usize = source
        .split_inclusive('\n')
        .take(origin.line.max(1) as usize - 1)
        .map(str::len)
        .sum();
    Some(floor_boundary(
        source,
        (line_start + rest).min(line_end(source, line_start)),
    ))
}

fn line_end(source: &str, from: usize) -> usize {
    source[from..]
        .find('\n')
        .map_or(source.len(), |at| from + at)
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::{Position, Span};

    use super::*;

    fn notebook() -> NotebookText {
        let origin = |cell, line| LineOrigin { cell, line };
        NotebookText {
            python: "import pandas\ndf = ref('é')\nwrite_to_model(df)\n".into(),
            lines: vec![origin(2, 1), origin(4, 2), origin(4, 3)],
        }
    }

    fn label(start: u32, end: u32) -> Label {
        Label {
            span: Span {
                start,
                end,
                ..Span::default()
            },
            text: String::new(),
        }
    }

    #[test]
    fn labels_land_in_their_cells() {
        let excerpts = place_in_cells(
            vec![label(29, 43), label(7, 13), label(19, 27)],
            &notebook(),
        );
        assert_eq!(
            excerpts
                .iter()
                .map(|excerpt| excerpt.cell)
                .collect::<Vec<_>>(),
            [Some(4), Some(2)]
        );
        assert_eq!(excerpts[0].source, "\ndf = ref('é')\nwrite_to_model(df)");
        assert_eq!(
            excerpts[0].labels[0].span.from,
            Position { line: 3, column: 1 }
        );
        assert_eq!(
            excerpts[0].labels[1].span.from,
            Position { line: 2, column: 6 }
        );
        assert_eq!(
            excerpts[1].labels[0].span.from,
            Position { line: 1, column: 8 }
        );
    }

    #[test]
    fn a_span_over_two_cells_ends_with_the_first() {
        let excerpts = place_in_cells(vec![label(0, 40)], &notebook());
        assert_eq!(excerpts[0].labels[0].span.end, 13);
    }

    #[test]
    fn nonsense_is_no_panic() {
        let mut odd = notebook();
        odd.lines[2].line = u32::MAX;
        odd.lines[0].line = 0;
        for start in 0..60 {
            place_in_cells(vec![label(start, 999), label(999, start)], &odd);
        }
        odd.lines.clear();
        assert!(place_in_cells(vec![label(0, 1)], &odd).is_empty());
    }
}
