//! Problems in a project's files as data: where, what, what to do, and the text to show. The CLI
//! renders them.

use fal_plugin::payload::{Diagnostic, Label, Position, Severity, Span};
use serde::Serialize;

use crate::cells::{NotebookText, place_in_cells};

/// One problem in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileDiagnostic {
    /// The file, below the project with `/` where it lies there.
    pub path: String,
    /// Stable code such as `stub::edited`.
    pub code: String,
    /// Its severity.
    pub severity: Severity,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// For a notebook, the cell (from 1) of the problem.
    pub cell: Option<u32>,
    /// The places, the most important first, with one excerpt for each text (for a notebook, each
    /// cell).
    pub excerpts: Vec<Excerpt>,
}

/// A text with marked places. Spans are offsets, lines and columns of `source`, and are always
/// valid for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excerpt {
    /// For a notebook, the number of the cell, from 1.
    pub cell: Option<u32>,
    /// The file's text, or the cell's.
    pub source: String,
    /// The marks.
    pub labels: Vec<Label>,
}

impl FileDiagnostic {
    /// An error.
    pub fn error(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            code: code.to_owned(),
            severity: Severity::Error,
            message: message.into(),
            help: None,
            cell: None,
            excerpts: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(path: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(path, code, message)
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Marks a whole line (from 1) of a text.
    #[must_use]
    pub fn with_line(mut self, source: &str, line: usize, text: &str) -> Self {
        let start: usize = source
            .split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        let end = start + source[start..].lines().next().map_or(0, str::len);
        let label = Label {
            span: span_of(source, start, end),
            text: text.to_owned(),
        };
        self.excerpts.push(Excerpt {
            cell: None,
            source: source.to_owned(),
            labels: vec![label],
        });
        self
    }

    /// Whether it is an error, so that the file must not run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Returns the most important place: the cell (for a notebook), and the line and column.
    pub fn place(&self) -> Option<(Option<u32>, Position)> {
        let excerpt = self.excerpts.first()?;
        Some((excerpt.cell, excerpt.labels.first()?.span.from))
    }

    /// Makes a parser's diagnostic about a text one about its file.
    pub(crate) fn in_text(path: &str, diagnostic: Diagnostic, source: &str) -> Self {
        let mut placed = Self::bare(path, &diagnostic);
        if !diagnostic.labels.is_empty() {
            let labels = diagnostic
                .labels
                .into_iter()
                .map(|label| fitted(label, source))
                .collect();
            placed.excerpts.push(Excerpt {
                cell: None,
                source: source.to_owned(),
                labels,
            });
        }
        placed
    }

    /// Makes a parser's diagnostic about a notebook's Python text one about its cells.
    pub(crate) fn in_notebook(path: &str, diagnostic: Diagnostic, notebook: &NotebookText) -> Self {
        let mut placed = Self::bare(path, &diagnostic);
        placed.excerpts = place_in_cells(diagnostic.labels, notebook);
        placed.cell = placed
            .excerpts
            .first()
            .and_then(|excerpt| excerpt.cell)
            .or(placed.cell);
        placed
    }

    fn bare(path: &str, diagnostic: &Diagnostic) -> Self {
        Self {
            path: path.to_owned(),
            code: diagnostic.code.clone(),
            severity: diagnostic.severity,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            cell: diagnostic.cell,
            excerpts: Vec::new(),
        }
    }
}

/// Cuts a label's offsets to the text: a plugin may answer invalid ones, and the file may have
/// changed since then.
fn fitted(label: Label, source: &str) -> Label {
    let start = floor_boundary(source, label.span.start as usize);
    let end = floor_boundary(source, label.span.end as usize).max(start);
    Label {
        span: span_of(source, start, end),
        text: label.text,
    }
}

/// Returns the largest character boundary at or before an offset.
pub(crate) fn floor_boundary(source: &str, offset: usize) -> usize {
    let mut at = offset.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the span between two offsets, which must be character boundaries.
pub(crate) fn span_of(source: &str, start: usize, end: usize) -> Span {
    let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Span {
        start: narrow(start),
        end: narrow(end),
        from: position_of(source, start),
        to: position_of(source, end),
    }
}

fn position_of(source: &str, offset: usize) -> Position {
    let before = &source[..offset];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Position {
        line: narrow(before.bytes().filter(|byte| *byte == b'\n').count() + 1),
        column: narrow(before[line_start..].chars().count() + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(start: u32, end: u32) -> Diagnostic {
        Diagnostic {
            code: "x::y".into(),
            severity: Severity::Error,
            message: "wrong".into(),
            labels: vec![Label {
                span: Span {
                    start,
                    end,
                    ..Span::default()
                },
                text: "here".into(),
            }],
            help: None,
            cell: None,
        }
    }

    #[test]
    fn positions_are_counted_from_the_text() {
        let placed = FileDiagnostic::in_text("a.py", diagnostic(5, 6), "é = 1\nb\n");
        assert_eq!(
            placed.place(),
            Some((None, Position { line: 1, column: 5 }))
        );
        let placed = FileDiagnostic::in_text("a.py", diagnostic(7, 8), "é = 1\nb\n");
        assert_eq!(
            placed.place(),
            Some((None, Position { line: 2, column: 1 }))
        );
    }

    #[test]
    fn nonsense_spans_are_cut_to_the_text() {
        let placed = FileDiagnostic::in_text("a.py", diagnostic(900, 1), "é");
        let span = placed.excerpts[0].labels[0].span;
        assert_eq!((span.start, span.end), (2, 2));
        let placed = FileDiagnostic::in_text("a.py", diagnostic(1, 900), "é");
        assert_eq!(
            placed.excerpts[0].labels[0].span.start, 0,
            "not inside a character"
        );
    }

    #[test]
    fn a_line_beyond_the_text_marks_its_end() {
        let placed = FileDiagnostic::error("f", "c", "m").with_line("a\nb", 9, "");
        assert_eq!(placed.excerpts[0].labels[0].span.start, 3);
    }
}
