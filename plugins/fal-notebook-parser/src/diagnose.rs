//! Errors about files that are not notebooks.

use fal_plugin::payload::{Diagnostic, Label, Position, Severity, Span};

/// Makes an error about the file as a whole.
pub(crate) fn error(code: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic {
        code: code.to_owned(),
        severity: Severity::Error,
        message: message.into(),
        labels: Vec::new(),
        help: None,
        cell: None,
    }
}

pub(crate) fn empty() -> Diagnostic {
    let mut diagnostic = error("notebook::empty", "the file is empty");
    diagnostic.help = Some("save the notebook again, or remove the file".to_owned());
    diagnostic
}

pub(crate) fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let before = String::from_utf8_lossy(&bytes[..at]);
    let mut diagnostic = error("notebook::encoding", "the file is not UTF-8");
    diagnostic.labels.push(Label {
        span: span_at(&before, at),
        text: "not UTF-8 from here".to_owned(),
    });
    diagnostic
}

/// Finds the markers that Git leaves at a merge conflict.
fn conflict(text: &str) -> Option<Diagnostic> {
    let is_marker = |line: &str| {
        ["<<<<<<< ", "=======", ">>>>>>> "]
            .iter()
            .any(|marker| line.starts_with(marker))
    };
    let mut lines = text.split_inclusive('\n').scan(0, |at, line| {
        Some((std::mem::replace(at, *at + line.len()), line))
    });
    let (first, _) = lines.find(|(_, line)| line.starts_with("<<<<<<< "))?;
    let cells = text[..first].matches("\"cell_type\"").count();
    let place = if cells == 0 {
        "before its cells".to_owned()
    } else {
        format!("the first in cell {cells}")
    };
    let mut diagnostic = error(
        "notebook::merge_conflict",
        format!("the file contains the markers of an unfinished merge, {place}"),
    );
    diagnostic.help = Some(
        "take one side (`git checkout --ours FILE` or `--theirs`), or merge the cells by hand (with `nbdime mergetool`, say)"
            .to_owned(),
    );
    let others = lines
        .filter(|(_, line)| is_marker(line))
        .take(2)
        .map(|(at, _)| at);
    for at in [first].into_iter().chain(others) {
        diagnostic.labels.push(Label {
            span: span_at(text, at),
            text: "merge marker".to_owned(),
        });
    }
    Some(diagnostic)
}

/// Makes an error about JSON that is invalid or has another shape.
pub(crate) fn unreadable(text: &str, cause: &serde_json::Error) -> Diagnostic {
    if let Some(conflict) = conflict(text) {
        return conflict;
    }
    let message = cause.to_string();
    let message = message.split(" at line ").next().unwrap_or(&message);
    let mut diagnostic = match cause.classify() {
        serde_json::error::Category::Data => no_notebook(message),
        _ => {
            let mut diagnostic =
                error("notebook::json", format!("the file is not JSON: {message}"));
            diagnostic.help =
                Some("restore the notebook, or correct the text at this place".to_owned());
            diagnostic
        }
    };
    let at = offset(text, cause.line(), cause.column());
    diagnostic.labels.push(Label {
        span: span_at(text, at),
        text: "here".to_owned(),
    });
    diagnostic
}

pub(crate) fn no_notebook(reason: &str) -> Diagnostic {
    let mut diagnostic = error(
        "notebook::format",
        format!("the file is JSON but not a notebook: {reason}"),
    );
    diagnostic.help = Some("a notebook is what Jupyter saves, in nbformat 3 or 4".to_owned());
    diagnostic
}

pub(crate) fn unknown_version(version: u64) -> Diagnostic {
    let mut diagnostic = error(
        "notebook::version",
        format!("the notebook has nbformat {version}, and only 3 and 4 are known"),
    );
    let help = if version < 3 {
        "open and save it in Jupyter, or run `jupyter nbconvert --to notebook --inplace` on it"
    } else {
        "save it as nbformat 4"
    };
    diagnostic.help = Some(help.to_owned());
    diagnostic
}

/// Returns the offset of a line and a column (in bytes, from 1) as serde_json counts them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the span of the single place `at` in `text`.
fn span_at(text: &str, at: usize) -> Span {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let position = Position {
        line: count(before.matches('\n').count() + 1),
        column: count(before[line_start..].chars().count() + 1),
    };
    Span {
        start: count(at),
        end: count(at),
        from: position,
        to: position,
    }
}

/// Converts a count for spans; files beyond 4 GB are not notebooks.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
