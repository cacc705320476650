//! Renders problems in files: place, excerpt, marks and help.

use std::fmt;

use fal_plugin::payload::{Diagnostic, Position, Severity};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::excerpt::Excerpt;
use crate::printed::{mark_styles, printable, shortened};
use crate::theme::Theme;

/// Width of a report without a terminal, in columns.
const WIDTH: usize = 100;
/// Maximum length of a message, a help text or a label, in characters.
const LONGEST: usize = 2000;

/// A problem in a file or in a cell of a notebook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SourceProblem {
    /// The file below the project, with `/`.
    pub path: String,
    /// Name of `source` in a report: `models/a.py`, `models/a.ipynb, cell 3`.
    pub source_name: String,
    /// Number of the notebook's cell that `source` is, counted from 1.
    #[serde(default)]
    pub cell: Option<u32>,
    /// The text that the spans lie in: the file, or the cell's own source. Empty if it could not be read as text.
    #[serde(default)]
    pub source: String,
    /// The problem; offsets and positions are relative to `source`.
    pub diagnostic: Diagnostic,
}

impl SourceProblem {
    /// Creates a problem in a file.
    pub fn in_file(
        path: impl Into<String>,
        source: impl Into<String>,
        diagnostic: Diagnostic,
    ) -> Self {
        let path = path.into();
        Self {
            source_name: path.clone(),
            path,
            cell: None,
            source: source.into(),
            diagnostic,
        }
    }

    /// Creates a problem in a cell of a notebook; `source` is the cell's text.
    pub fn in_cell(
        path: impl Into<String>,
        cell: u32,
        source: impl Into<String>,
        diagnostic: Diagnostic,
    ) -> Self {
        let path = path.into();
        let source_name = format!("{path}, cell {cell}");
        Self {
            source_name,
            path,
            cell: Some(cell),
            source: source.into(),
            diagnostic,
        }
    }

    /// Returns whether the problem prevents the run.
    pub fn is_error(&self) -> bool {
        self.diagnostic.severity == Severity::Error
    }

    /// Returns the position where the most important label begins.
    pub(crate) fn position(&self) -> Option<Position> {
        self.diagnostic.labels.first().map(|label| label.span.from)
    }

    /// Returns a line such as `models/a.py:3:5: error: message [code]`.
    pub fn one_line(&self) -> String {
        let place = match self.position() {
            Some(Position { line, column }) => format!("{}:{line}:{column}", self.source_name),
            None => self.source_name.clone(),
        };
        let Diagnostic {
            severity,
            message,
            code,
            ..
        } = &self.diagnostic;
        format!("{place}: {}: {message} [{code}]", severity_word(*severity))
    }
}

/// `error`, `warning`, `note`.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// Renders a problem: code, message, excerpt of the source with the labels, help. Ends with a
/// newline.
/// `width` is the terminal's; without one the report is 100 columns wide.
pub fn render_problem(problem: &SourceProblem, theme: Theme, width: Option<usize>) -> String {
    let graphics = if theme.color {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(graphics)
        .with_width(width.unwrap_or(WIDTH).clamp(40, 160))
        .with_links(false)
        .tab_width(4);
    let mut text = String::new();
    match handler.render_report(&mut text, &Report::new(problem)) {
        Ok(()) => mark_styles(&tidy(&text)),
        // The excerpt could not be drawn. Show the text alone.
        Err(fmt::Error) => format!("{}\n", problem.one_line()),
    }
}

/// Renders all problems with an empty line between them, and a line that counts them.
pub fn render_problems(problems: &[SourceProblem], theme: Theme, width: Option<usize>) -> String {
    let mut text: String = problems
        .iter()
        .map(|problem| render_problem(problem, theme, width) + "\n")
        .collect();
    text.push_str(&count_line(problems, theme));
    text
}

/// Returns the counts, such as `2 errors, 1 warning`.
fn count_line(problems: &[SourceProblem], theme: Theme) -> String {
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.diagnostic.severity == severity)
            .count()
    };
    let words = |number: usize, severity| match number {
        0 => None,
        1 => Some(format!("1 {}", severity_word(severity))),
        _ => Some(format!("{number} {}s", severity_word(severity))),
    };
    let parts = [Severity::Error, Severity::Warning, Severity::Note]
        .map(|severity| words(count(severity), severity));
    let line = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    match (count(Severity::Error), problems.len()) {
        (_, 0) => format!("{}\n", theme.green("No problems found")),
        (0, _) => format!("{}\n", theme.yellow(&line)),
        _ => format!("{}\n", theme.red(&line)),
    }
}

/// Returns a text with control characters written out, before miette measures its width.
fn shown(text: &str) -> String {
    printable(&shortened(text, LONGEST, ""), false)
}

/// Removes the spaces that miette leaves at the ends of lines.
fn tidy(text: &str) -> String {
    let mut lines = text
        .trim_end()
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n");
    lines.push('\n');
    lines
}

/// A problem in the form that miette renders.
struct Report<'a> {
    problem: &'a SourceProblem,
    excerpt: Excerpt<'a>,
}

impl<'a> Report<'a> {
    fn new(problem: &'a SourceProblem) -> Self {
        Self {
            problem,
            excerpt: Excerpt::new(problem),
        }
    }

    fn has_excerpt(&self) -> bool {
        !self.problem.diagnostic.labels.is_empty() && !self.problem.source.is_empty()
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_excerpt() {
            write!(f, "{}: ", shown(&self.problem.source_name))?;
        }
        f.write_str(&shown(&self.problem.diagnostic.message))
    }
}

impl fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.problem, f)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(shown(&self.problem.diagnostic.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.problem.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.problem
            .diagnostic
            .help
            .as_ref()
            .map(|help| Box::new(shown(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.has_excerpt()
            .then_some(&self.excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let labels = self
            .problem
            .diagnostic
            .labels
            .iter()
            .zip(&self.excerpt.spans)
            .enumerate();
        let labels = labels.map(|(index, (label, span))| {
            let text = Some(shown(&label.text)).filter(|text| !text.is_empty());
            match index {
                0 => LabeledSpan::new_primary_with_span(text, *span),
                _ => LabeledSpan::new_with_span(text, *span),
            }
        });
        self.has_excerpt()
            .then(|| Box::new(labels) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

#[cfg(test)]
mod tests;
