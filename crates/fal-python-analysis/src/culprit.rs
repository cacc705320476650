//! Finds the cause of a syntax error, if it is not the place at which a parser gives up.

use fal_plugin::payload::{Diagnostic, Label, Severity};

use crate::{
    position::Lines,
    syntax::{NOT_PYTHON, SYNTAX, problem},
};

/// Finds the markers that Git leaves at a merge conflict.
pub(crate) fn merge_conflict(lines: &Lines<'_>) -> Option<Diagnostic> {
    let mut starts = lines.text().split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len() as u32;
        Some((start, line.trim_end()))
    });
    let first = starts.find(|(_, line)| line.starts_with("<<<<<<< "))?;
    let middle = starts.find(|(_, line)| *line == "=======")?;
    let last = starts.find(|(_, line)| line.starts_with(">>>>>>> "))?;
    let label = |(start, line): (u32, &str)| Label {
        span: lines.span(start, start + line.len() as u32),
        text: "merge marker".to_owned(),
    };
    Some(Diagnostic {
        code: SYNTAX.to_owned(),
        severity: Severity::Error,
        message: format!("{NOT_PYTHON}: it contains the markers of an unfinished merge"),
        labels: vec![label(first), label(middle), label(last)],
        help: Some("keep one of the two versions, and remove the three lines".to_owned()),
        cell: None,
    })
}

/// Finds the bracket that is open on a line before `error` and never closed. As in CPython, the
/// error is reported there and not behind it.
pub(crate) fn unclosed_bracket(lines: &Lines<'_>, error: u32) -> Option<Diagnostic> {
    let text = lines.text();
    let mut open: Vec<u32> = Vec::new();
    let mut suspect = None;
    let mut at = 0;
    while at < text.len() {
        if suspect.is_none() && at as u32 >= error {
            suspect = Some(*open.last()?);
        }
        at += match text.as_bytes()[at] {
            b'(' | b'[' | b'{' => {
                open.push(at as u32);
                1
            }
            b')' | b']' | b'}' => {
                let closed = open.pop();
                // A bracket that is closed behind the error was not forgotten.
                if suspect.is_some() && suspect == closed {
                    return None;
                }
                1
            }
            b'#' => text[at..].find('\n').unwrap_or(text.len() - at),
            b'"' | b'\'' => string_len(&text[at..])?,
            _ => 1,
        };
    }
    let start = suspect.or_else(|| open.last().copied())?;
    if lines.position(start).line >= lines.position(error).line {
        return None;
    }
    let bracket = lines.slice(start, start + 1);
    Some(problem(
        lines,
        SYNTAX,
        &format!("{NOT_PYTHON}: this `{bracket}` is never closed"),
        start,
        start + 1,
    ))
}

/// Returns the length of the string that begins here; `None` if it has no end.
fn string_len(text: &str) -> Option<usize> {
    let quote = text.as_bytes()[0];
    let triple = text.len() > 2 && text.as_bytes()[1] == quote && text.as_bytes()[2] == quote;
    let bytes = text.as_bytes();
    let mut at = if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return None,
            byte if byte == quote && !triple => return Some(at + 1),
            byte if byte == quote && bytes[at..].starts_with(&[quote; 3]) => return Some(at + 3),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blamed(text: &str, error: &str) -> Option<(u32, u32)> {
        let lines = Lines::new(text);
        let at = text.rfind(error).unwrap() as u32;
        unclosed_bracket(&lines, at)
            .map(|it| (it.labels[0].span.from.line, it.labels[0].span.from.column))
    }

    #[test]
    fn an_open_bracket_above_the_error_is_blamed() {
        for (text, error, place) in [
            ("df = ref('a'\nwrite_to_model(df)\n", "write", Some((1, 9))),
            ("x = [\n  f(1),\n  {2: 3\ny = 1", "y", Some((3, 3))),
            ("x = (1,\n", "\n", None),
            ("x = (1,\n2", "2", Some((1, 5))),
            ("x = (a\nb)", "b", None),
            ("x = 1\ny = = 2", "= 2", None),
            ("x = f(')', \"]\", '''}\n''' # )\ny = 1", "y", Some((1, 6))),
            ("f(a b", "b", None),
            ("x = 'it\ny = (1", "y", None),
            ("x = r'\\'", "'", None),
        ] {
            assert_eq!(blamed(text, error), place, "{text}");
        }
    }

    #[test]
    fn every_text_has_an_answer() {
        for text in ["é(", "'é", "(é\n'''", "\"\\", "]](\n)", "#", "'''\\"] {
            for error in 0..=text.len() as u32 {
                drop(unclosed_bracket(&Lines::new(text), error));
            }
        }
    }

    #[test]
    fn markers_of_a_merge_are_named() {
        let text = "x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> other\n";
        let found = merge_conflict(&Lines::new(text)).unwrap();
        assert_eq!(
            found
                .labels
                .iter()
                .map(|it| it.span.from.line)
                .collect::<Vec<_>>(),
            [2, 4, 6]
        );
        assert!(merge_conflict(&Lines::new("=======\n<<<<<<< a")).is_none());
    }
}
