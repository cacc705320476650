//! Joins the cells of a notebook into one Python text, with the origin of each line.

use fal_plugin::payload::{
    Diagnostic, Label, LineOrigin, NotebookAnalysis, Position, Severity, Span,
};

use crate::{
    cell::{self, Problem},
    config::NotebookConfig,
    diagnose::{count, error},
    docstring,
    document::{Cell, CellKind, Document},
    kernel,
};

/// Converts the notebook into Python text.
pub(crate) fn assemble(document: &Document, config: &NotebookConfig) -> NotebookAnalysis {
    let language = kernel::language(document);
    let mut assembly = Assembly::default();
    match language
        .as_deref()
        .filter(|language| !kernel::is_python(language))
    {
        Some(language) => assembly.diagnostics.push(other_language(language)),
        None => assembly.add_all(&document.cells, config),
    }
    assembly.finish(language)
}

#[derive(Debug, Default)]
struct Assembly {
    python: Vec<String>,
    lines: Vec<LineOrigin>,
    /// The lines that are calls of magics, counted from 0.
    calls: Vec<usize>,
    /// Problems of cells, each with the cell's number.
    problems: Vec<(u32, Problem)>,
    diagnostics: Vec<Diagnostic>,
}

impl Assembly {
    fn add_all(&mut self, cells: &[Cell], config: &NotebookConfig) {
        for (number, cell) in (1..).zip(cells) {
            match &cell.kind {
                CellKind::Code(_) if cell.tags.iter().any(|tag| config.skip_tags.contains(tag)) => {
                }
                CellKind::Code(Some(source)) => self.add(number, source),
                CellKind::Code(None) => self.diagnostics.push(no_source(number)),
                CellKind::Prose => {}
                CellKind::Unknown(kind) => self.diagnostics.push(unknown_kind(number, kind)),
            }
        }
    }

    fn add(&mut self, number: u32, source: &str) {
        let first = self.python.len();
        let cell = cell::transform(source);
        self.lines.extend(
            (1..)
                .zip(&cell.lines)
                .map(|(line, _)| LineOrigin { cell: number, line }),
        );
        self.python.extend(cell.lines);
        self.calls
            .extend(cell.calls.into_iter().map(|line| line + first));
        let problems = cell.problems.into_iter();
        self.problems.extend(problems.map(|problem| {
            (
                number,
                Problem {
                    line: problem.line + first,
                    ..problem
                },
            )
        }));
    }

    fn finish(mut self, language: Option<String>) -> NotebookAnalysis {
        docstring::lead_with_docstring(&mut self.python, &self.calls);
        let starts: Vec<usize> = self
            .python
            .iter()
            .scan(0, |at, line| {
                Some(std::mem::replace(at, *at + line.len() + 1))
            })
            .collect();
        let located = |(cell, problem): &(u32, Problem)| {
            self.located(*cell, problem, starts.get(problem.line).copied())
        };
        let located: Vec<_> = self.problems.iter().map(located).collect();
        self.diagnostics.extend(located);
        self.diagnostics.sort_by_key(|diagnostic| diagnostic.cell);
        let python = self
            .python
            .iter()
            .flat_map(|line| [line.as_str(), "\n"])
            .collect();
        NotebookAnalysis {
            python,
            lines: self.lines,
            language,
            diagnostics: self.diagnostics,
        }
    }

    /// Returns the problem with its place in the Python text.
    fn located(&self, cell: u32, problem: &Problem, line_start: Option<usize>) -> Diagnostic {
        let line = self.python.get(problem.line).map_or("", String::as_str);
        let before: String = line.chars().take(problem.column).collect();
        // The label covers an opening bracket or quote alone, anything else to the end of its line.
        let length = if problem.label.is_empty() {
            usize::MAX
        } else {
            1
        };
        let marked: String = line.chars().skip(problem.column).take(length).collect();
        let from = line_start.unwrap_or_default() + before.len();
        let columns = before.chars().count();
        let position = |column: usize| Position {
            line: count(problem.line + 1),
            column: count(column + 1),
        };
        let span = Span {
            start: count(from),
            end: count(from + marked.len()),
            from: position(columns),
            to: position(columns + marked.chars().count()),
        };
        let mut diagnostic = error(problem.code, problem.message.clone());
        diagnostic.labels.push(Label {
            span,
            text: problem.label.clone(),
        });
        diagnostic.help = problem.help.map(str::to_owned);
        diagnostic.cell = Some(cell);
        diagnostic
    }
}

fn other_language(language: &str) -> Diagnostic {
    let mut diagnostic = error(
        "notebook::kernel",
        format!("the notebook's kernel runs {language}, not Python"),
    );
    diagnostic.help = Some(
        "a notebook model needs a Python kernel; move others out of the model paths".to_owned(),
    );
    diagnostic
}

fn no_source(cell: u32) -> Diagnostic {
    let mut diagnostic = error(
        "notebook::source",
        "the source of a code cell is neither a text nor a list of lines",
    );
    diagnostic.cell = Some(cell);
    diagnostic
}

fn unknown_kind(cell: u32, kind: &str) -> Diagnostic {
    let mut diagnostic = error(
        "notebook::cell_type",
        format!("a cell of the unknown type `{kind}` is left out"),
    );
    diagnostic.severity = Severity::Warning;
    diagnostic.cell = Some(cell);
    diagnostic
}

#[cfg(test)]
mod tests {
    use serde_json::{json, Value};

    use super::*;
    use crate::document;

    fn parse(notebook: &Value) -> NotebookAnalysis {
        let document = document::read(notebook.to_string().as_bytes()).unwrap();
        assemble(&document, &NotebookConfig::default())
    }

    fn code(source: &str) -> Value {
        json!({"cell_type": "code", "source": source, "metadata": {}})
    }

    fn notebook(cells: &[Value]) -> Value {
        json!({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
    }

    fn mapped(notebook: &Value) -> String {
        let analysis = parse(notebook);
        let line = |(text, origin): (&str, &LineOrigin)| {
            format!("{}.{}| {text}\n", origin.cell, origin.line)
        };
        analysis
            .python
            .lines()
            .zip(&analysis.lines)
            .map(line)
            .collect()
    }

    #[test]
    fn only_code_cells_without_a_skip_tag_count() {
        let cells = [
            json!({"cell_type": "markdown", "source": "# Title"}),
            code("a = 1\nb = 2"),
            json!({"cell_type": "raw", "source": "x"}),
            json!({"cell_type": "code", "source": "secret()", "metadata": {"tags": ["other", "fal-skip"]}}),
            code(""),
            code("c = 3\n"),
        ];
        insta::assert_snapshot!(mapped(&notebook(&cells)), @"
        2.1| a = 1
        2.2| b = 2
        6.1| c = 3
        ");
    }

    #[test]
    fn leading_magics_move_behind_the_docstring() {
        let cells = [
            code("# setup\n%load_ext autoreload\n!ls"),
            code("'''Docs\n- ref('a')\n'''\nx = 1"),
        ];
        insta::assert_snapshot!(mapped(&notebook(&cells)), @"
        1.1| # setup
        1.2| 
        1.3| 
        2.1| '''Docs
        2.2| - ref('a')
        2.3| '''; get_ipython().run_line_magic('load_ext', 'autoreload'); get_ipython().system('ls')
        2.4| x = 1
        ");
    }

    #[test]
    fn magics_stay_where_no_docstring_follows() {
        for second in [
            "x = 'a'",
            "'a'.upper()",
            "f'a'",
            "'a', 'b'",
            "'a' 'b'",
            "'a'  # b",
            "'a'; x = 1",
        ] {
            let cells = [code("%load_ext autoreload"), code(second)];
            assert!(
                parse(&notebook(&cells)).python.starts_with("get_ipython()"),
                "{second}"
            );
        }
    }

    #[test]
    fn another_language_is_refused_by_its_name() {
        let mut notebook = notebook(&[code("x <- 1")]);
        notebook["metadata"]["kernelspec"] = json!({"name": "ir", "language": "R"});
        let analysis = parse(&notebook);
        assert_eq!(
            (analysis.python.as_str(), analysis.language.as_deref()),
            ("", Some("R"))
        );
        insta::assert_snapshot!(analysis.diagnostics[0].message, @"the notebook's kernel runs R, not Python");
    }

    #[test]
    fn problems_name_their_cell_and_place() {
        let cells = [
            code("é = 1"),
            json!({"cell_type": "code", "source": 5}),
            json!({"cell_type": "sql", "source": "x"}),
            code("x = 1\nö = f(a,\n  b"),
            code("y = 2\n%%bash"),
            code("%md\n# Title"),
            code("é = 1\npip install é"),
        ];
        let analysis = parse(&notebook(&cells));
        let text = |diagnostic: &Diagnostic| {
            let place = diagnostic.labels.first().map(|label| {
                let marked = &analysis.python[label.span.start as usize..label.span.end as usize];
                format!(
                    ", {}:{} `{marked}` {}",
                    label.span.from.line, label.span.from.column, label.text
                )
                .trim_end()
                .to_owned()
            });
            let cell = diagnostic.cell.unwrap_or_default();
            format!(
                "{:?} cell {cell}: {}{}\n",
                diagnostic.severity,
                diagnostic.message,
                place.unwrap_or_default()
            )
        };
        insta::assert_snapshot!(analysis.diagnostics.iter().map(text).collect::<String>(), @"
        Error cell 2: the source of a code cell is neither a text nor a list of lines
        Warning cell 3: a cell of the unknown type `sql` is left out
        Error cell 4: the cell ends inside a bracket, 3:6 `(` this `(` is never closed
        Error cell 5: a cell magic must be the first line of its cell, 6:1 `%%bash`
        Error cell 6: `%md` on the first line of a cell is Databricks' way to give the whole cell a language, 7:1 `%md`
        Error cell 7: `pip ...` is not Python: Jupyter reads such a line as the magic `%pip`, 10:1 `pip install é`
        ");
    }
}
