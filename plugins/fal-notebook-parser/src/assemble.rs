//! Puts the cells of a notebook together to one Python text, and remembers where each line came from.

use fal_plugin::payload::{Diagnostic, Label, LineOrigin, NotebookAnalysis, Position, Severity, Span};

use crate::{
    cell::{self, Problem},
    config::NotebookConfig,
    diagnose::{count, error},
    document::{Cell, CellKind, Document},
    kernel,
};

/// The notebook as Python text.
pub(crate) fn assemble(document: &Document, config: &NotebookConfig) -> NotebookAnalysis {
    let language = kernel::language(document);
    let mut assembly = Assembly::default();
    match language.as_deref().filter(|language| !kernel::is_python(language)) {
        Some(language) => assembly.diagnostics.push(other_language(language)),
        None => assembly.add_all(&document.cells, config),
    }
    let Assembly { python, lines, diagnostics } = assembly;
    NotebookAnalysis { python, lines, language, diagnostics }
}

#[derive(Debug, Default)]
struct Assembly {
    python: String,
    lines: Vec<LineOrigin>,
    diagnostics: Vec<Diagnostic>,
}

impl Assembly {
    fn add_all(&mut self, cells: &[Cell], config: &NotebookConfig) {
        for (number, cell) in (1..).zip(cells) {
            match &cell.kind {
                CellKind::Code(_) if cell.tags.iter().any(|tag| config.skip_tags.contains(tag)) => {}
                CellKind::Code(Some(source)) => self.add(number, source),
                CellKind::Code(None) => self.diagnostics.push(no_source(number)),
                CellKind::Prose => {}
                CellKind::Unknown(kind) => self.diagnostics.push(unknown_kind(number, kind)),
            }
        }
    }

    fn add(&mut self, number: u32, source: &str) {
        let cell = cell::transform(source);
        let mut starts = Vec::with_capacity(cell.lines.len());
        for (line, text) in (1..).zip(&cell.lines) {
            starts.push(self.python.len());
            self.python.push_str(text);
            self.python.push('\n');
            self.lines.push(LineOrigin { cell: number, line });
        }
        let first = self.lines.len() - cell.lines.len();
        for problem in cell.problems {
            let start = starts.get(problem.line).copied().unwrap_or_default();
            self.diagnostics.push(self.located(number, first, start, problem));
        }
    }

    /// The problem, with its place in the Python text.
    fn located(&self, number: u32, first: usize, start: usize, problem: Problem) -> Diagnostic {
        let line = self.python[start..].lines().next().unwrap_or_default();
        let (before, rest): (String, String) =
            (line.chars().take(problem.column).collect(), line.chars().skip(problem.column).collect());
        // An opening mark is labelled alone, anything else to the end of its line.
        let marked: String = if problem.label.is_empty() { rest } else { rest.chars().take(1).collect() };
        let position = |column: usize| Position { line: count(first + problem.line + 1), column: count(column + 1) };
        let from = start + before.len();
        let columns = before.chars().count();
        let span = Span {
            start: count(from),
            end: count(from + marked.len()),
            from: position(columns),
            to: position(columns + marked.chars().count()),
        };
        let mut diagnostic = error(problem.code, problem.message);
        diagnostic.labels.push(Label { span, text: problem.label });
        diagnostic.help = help(problem.code).map(str::to_owned);
        diagnostic.cell = Some(number);
        diagnostic
    }
}

fn help(code: &str) -> Option<&'static str> {
    match code {
        "notebook::incomplete_cell" => Some("each cell must be whole by itself, as in Jupyter"),
        "notebook::cell_magic" => Some("move it to the top of the cell, or split the cell before it"),
        _ => None,
    }
}

fn other_language(language: &str) -> Diagnostic {
    let mut diagnostic = error("notebook::kernel", format!("the notebook's kernel runs {language}, not Python"));
    diagnostic.help = Some("a notebook model needs a Python kernel; move others out of the model paths".to_owned());
    diagnostic
}

fn no_source(cell: u32) -> Diagnostic {
    let mut diagnostic = error("notebook::source", "the source of a code cell is neither a text nor a list of lines");
    diagnostic.cell = Some(cell);
    diagnostic
}

fn unknown_kind(cell: u32, kind: &str) -> Diagnostic {
    let mut diagnostic = error("notebook::cell_type", format!("a cell of the unknown type `{kind}` is left out"));
    diagnostic.severity = Severity::Warning;
    diagnostic.cell = Some(cell);
    diagnostic
}
