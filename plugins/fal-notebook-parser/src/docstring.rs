//! Keeps the docstring of a notebook the docstring of its Python text.
//!
//! A notebook often begins with magics (`%load_ext ...`), and the cell below documents it and names
//! dependencies. For Python that text would not be a docstring, because calls come before it. So
//! the calls are moved behind it, onto its last line. Nothing else changes, because a docstring
//! does nothing when it runs.

use std::ops::Range;

use crate::lexer::{self, Stop};

/// Moves leading calls behind the docstring, if there are any and a docstring follows. `calls` are
/// the numbers of lines (from 0) that are calls of magics, in their order.
pub(crate) fn lead_with_docstring(lines: &mut [String], calls: &[usize]) {
    let Some((leading, docstring)) = find(lines, calls) else {
        return;
    };
    let moved: Vec<_> = leading
        .iter()
        .map(|line| std::mem::take(&mut lines[*line]))
        .collect();
    if let Some(last) = lines.get_mut(docstring.end - 1) {
        last.insert_str(last.trim_end().len(), &format!("; {}", moved.join("; ")));
    }
}

/// Returns the lines of the leading calls, and the lines of the docstring below them.
fn find(lines: &[String], calls: &[usize]) -> Option<(Vec<usize>, Range<usize>)> {
    let mut leading = Vec::new();
    let mut number = 0;
    while let Some(line) = lines.get(number) {
        if calls.binary_search(&number).is_ok() {
            leading.push(number);
        } else if !line.is_empty() && !line.starts_with('#') {
            let length = docstring_length(&lines[number..])?;
            return (!leading.is_empty()).then_some((leading, number..number + length));
        }
        number += 1;
    }
    None
}

/// Returns the number of lines of the first statement, if it is only a string.
fn docstring_length(lines: &[String]) -> Option<usize> {
    let first = lines.first()?.trim_start_matches(['r', 'R', 'u', 'U']);
    let quote = first.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let triple = first
        .get(..3)
        .is_some_and(|start| start.chars().all(|c| c == quote));
    let text = if triple {
        lines.join("\n")
    } else {
        lines[0].clone()
    };
    let line = lexer::scan(&text, 0);
    let statement = &text[..line.end];
    let whole = line.stop == Stop::End && line.separators.is_empty() && !line.comment;
    let (end, _) = line.last_token?;
    let only_string = lexer::first_string_end(statement) == Some(end + 1);
    (whole && only_string).then(|| statement.matches('\n').count() + 1)
}
