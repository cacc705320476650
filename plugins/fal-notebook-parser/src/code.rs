//! Converts Python with IPython's syntax: each logical line is kept, or becomes the call that it
//! means.

use crate::{
    automagic,
    cell::{Problem, PythonCell},
    escape, help, legacy,
    lexer::{self, LogicalLine, Stop},
};

/// Converts the lines of a cell into the same number of lines.
pub(crate) fn transform(lines: &[String]) -> PythonCell {
    let text = lines.join("\n");
    let mut writer = Writer {
        text: &text,
        at: 0,
        cell: PythonCell::default(),
        block: None,
        fresh: true,
    };
    // Splitting an empty text gives one empty line, which the cell does not have.
    while writer.cell.lines.len() < lines.len() {
        writer.statement();
    }
    writer.check_end();
    writer.cell
}

struct Writer<'a> {
    text: &'a str,
    at: usize,
    cell: PythonCell,
    /// The last statement, if something must follow it: its place, and the error if nothing does.
    block: Option<(usize, &'static str)>,
    /// Whether no statement came yet.
    fresh: bool,
}

impl Writer<'_> {
    fn statement(&mut self) {
        let start = lexer::skip_space(self.text.as_bytes(), self.at);
        if escape::is_escaped(&self.text[start..]) {
            self.escaped(start);
        } else {
            self.python(start);
        }
    }

    /// Converts a statement that begins with an escape.
    fn escaped(&mut self, start: usize) {
        let (statement, end) = continued(self.text, start);
        let asked = help::trailing(&self.text[start..end]);
        if statement.starts_with("%%") && asked.is_none() {
            self.problem(
                "notebook::cell_magic",
                "a cell magic must be the first line of its cell",
                start,
                None,
            );
            return self.keep(end);
        }
        self.block = None;
        self.fresh = false;
        let indent = &self.text[self.at..start];
        if legacy::is_legacy_magic(&statement) {
            return self.replace(dropped(indent), end);
        }
        match asked.or_else(|| escape::transform(&statement)) {
            Some(call) if matches!(lexer::scan(&call, 0).stop, Stop::End) => {
                self.cell.calls.push(self.cell.lines.len());
                self.replace(format!("{indent}{call}"), end);
            }
            // IPython would not read this either. If it is open at its end, it must not swallow the
            // next cell.
            _ => self.python(start),
        }
    }

    fn python(&mut self, start: usize) {
        let line = lexer::scan(self.text, start);
        match line.stop {
            Stop::Escape(value) => return self.assignment(start, value),
            Stop::Unclosed(at) => self.unclosed(at),
            Stop::Continued(at) => self.problem(
                "notebook::incomplete_cell",
                "the cell ends in a continued line",
                at,
                None,
            ),
            Stop::End => self.note_statement(start, &line),
        }
        let statement = &self.text[start..line.end];
        if let Some(magic) = automagic::magic(statement) {
            self.automagic(start, magic);
        }
        let indent = &self.text[self.at..start];
        let separators: Vec<_> = line.separators.iter().map(|at| at - start).collect();
        if let Some(call) = help::trailing(statement) {
            self.replace(format!("{indent}{call}"), line.end);
        } else if let Some(kept) = legacy::without_imports(statement, &separators) {
            let kept = if kept.is_empty() {
                dropped(indent)
            } else {
                format!("{indent}{kept}")
            };
            self.replace(kept, line.end);
        } else {
            self.keep(line.end);
        }
    }

    fn automagic(&mut self, start: usize, magic: &str) {
        let message = format!(
            "`{magic} ...` is not Python: Jupyter reads such a line as the magic `%{magic}`"
        );
        self.problem("notebook::automagic", &message, start, None);
        if let Some(problem) = self.cell.problems.last_mut() {
            problem.help = Some(automagic::help(magic));
        }
    }

    /// Converts `x = %magic` or `x = !command`, whose value begins at `value`.
    fn assignment(&mut self, start: usize, value: usize) {
        let (escaped, end) = continued(self.text, value);
        let python = match help::trailing(&self.text[start..end]) {
            Some(call) => format!("{}{call}", &self.text[self.at..start]),
            None => format!(
                "{}{}",
                &self.text[self.at..value],
                escape::assigned(&escaped)
            ),
        };
        self.block = None;
        self.replace(python, end);
    }

    /// Replaces the text up to `end` by `python`, with the same number of lines.
    fn replace(&mut self, python: String, end: usize) {
        let count = self.text[self.at..end].matches('\n').count() + 1;
        let before = self.cell.lines.len();
        self.cell
            .lines
            .extend(python.split('\n').map(str::to_owned));
        self.cell.lines.resize(before + count, String::new());
        self.at = (end + 1).min(self.text.len());
    }

    fn keep(&mut self, end: usize) {
        self.replace(self.text[self.at..end].to_owned(), end);
    }

    fn unclosed(&mut self, at: usize) {
        let opener = self.text[at..].chars().next().unwrap_or(' ');
        let what = if matches!(opener, '"' | '\'') {
            "string"
        } else {
            "bracket"
        };
        let message = format!("the cell ends inside a {what}");
        self.problem(
            "notebook::incomplete_cell",
            &message,
            at,
            Some(format!("this `{opener}` is never closed")),
        );
    }

    fn problem(&mut self, code: &'static str, message: &str, at: usize, label: Option<String>) {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        // A cell may have many problems, so only the text since the last one is counted.
        let line = match before.get(self.at..) {
            Some(open) => self.cell.lines.len() + open.matches('\n').count(),
            None => before.matches('\n').count(),
        };
        let column = before[line_start..].chars().count();
        self.cell.problems.push(Problem {
            code,
            message: message.to_owned(),
            line,
            column,
            label: label.unwrap_or_default(),
            help: help(code),
        });
    }

    fn note_statement(&mut self, start: usize, line: &LogicalLine) {
        let Some((_, last)) = line.last_token else {
            return;
        };
        let statement = &self.text[start..];
        if std::mem::take(&mut self.fresh) && continues_block(statement) {
            self.problem(
                "notebook::incomplete_cell",
                "the block that this line continues is in another cell",
                start,
                None,
            );
        }
        let opens = (last == b':')
            .then_some("the block that this line opens is empty at the end of the cell");
        let decorates = statement
            .starts_with('@')
            .then_some("nothing follows this decorator in its cell");
        self.block = opens.or(decorates).map(|message| (start, message));
    }

    fn check_end(&mut self) {
        if let Some((start, message)) = self.block.take() {
            self.problem("notebook::incomplete_cell", message, start, None);
        }
    }
}

fn help(code: &str) -> Option<&'static str> {
    match code {
        "notebook::incomplete_cell" => Some("each cell must be complete, as in Jupyter"),
        "notebook::cell_magic" => {
            Some("move it to the top of the cell, or split the cell before it")
        }
        _ => None,
    }
}

/// Returns the replacement of a dropped line: nothing at the outermost level, so that a docstring
/// below is still the first statement; a statement in a block, because the line may be the only
/// one.
fn dropped(indent: &str) -> String {
    if indent.is_empty() {
        String::new()
    } else {
        format!("{indent}pass")
    }
}

/// Whether a statement can only follow a block.
fn continues_block(statement: &str) -> bool {
    let word = statement
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next();
    matches!(word, Some("elif" | "else" | "except" | "finally"))
}

/// Returns an escaped statement as one line, with the lines that backslashes join to it, and its
/// end.
fn continued(text: &str, start: usize) -> (String, usize) {
    let mut parts = Vec::new();
    let mut at = start;
    loop {
        let end = text[at..]
            .find('\n')
            .map_or(text.len(), |length| at + length);
        let line = &text[at..end];
        match line.strip_suffix('\\').filter(|_| end < text.len()) {
            Some(part) => parts.push(part),
            None => {
                parts.push(line.trim_end());
                return (parts.join(" "), end);
            }
        }
        at = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PIECES: [&str; 30] = [
        "%", "!", "?", ",", ";", "/", "=", " ", "\n", "\n    ", "\\\n", "\\", "x", "f", "(", ")",
        "[", "{", "}", "'", "\"", "'''", "\"\"\"", "f'", "f'''{", "# c", ":", "%time ", "rb'",
        "x = !",
    ];

    proptest! {
        /// What passes without a problem cannot swallow the first line of the next cell.
        #[test]
        fn a_cell_without_problems_ends_where_a_statement_ends(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..9)) {
            let lines: Vec<_> = pieces.concat().lines().map(str::to_owned).collect();
            let cell = transform(&lines);
            let python = cell.lines.join("\n");
            if cell.problems.is_empty() {
                let whole = format!("{python}\nnext");
                let mut start = 0;
                while start < python.len() {
                    start = lexer::scan(&whole, start).end + 1;
                }
                prop_assert!(start <= python.len() + 1, "{:?}", python);
            }
        }
    }
}
