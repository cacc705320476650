//! Diagnostics for texts that are not valid Python.

use fal_plugin::{
    ParseError, PluginError,
    payload::{Diagnostic, Label, Severity},
};

use crate::{culprit, position::Lines};

/// Makes the diagnostic of a parser's syntax error.
#[must_use]
pub fn syntax_error(lines: &Lines<'_>, message: &str, start: u32, end: u32) -> ParseError {
    if let Some(found) =
        culprit::merge_conflict(lines).or_else(|| culprit::unclosed_bracket(lines, start))
    {
        return ParseError::Syntax(Box::new(found));
    }
    let message = format!(
        "{NOT_PYTHON}: {}",
        lower_first(message.trim().trim_end_matches('.'))
    );
    ParseError::Syntax(Box::new(problem(lines, SYNTAX, &message, start, end)))
}

pub(crate) const SYNTAX: &str = "python::syntax";
pub(crate) const NOT_PYTHON: &str = "this is not valid Python";

/// Checks the options of a parser, which takes none.
///
/// # Errors
/// If there are any.
pub fn check_config(plugin: &str, config: &serde_json::Value) -> Result<(), PluginError> {
    let empty = config.is_null() || config.as_object().is_some_and(serde_json::Map::is_empty);
    if empty {
        return Ok(());
    }
    let error = PluginError::new("plugin::config", format!("{plugin} takes no options"));
    Err(error.with_help(format!(
        "remove `{plugin}` from `plugins.config` in fal_project.yml"
    )))
}

/// Makes an error at a place. The mark covers at least one character, if there is one.
pub(crate) fn problem(
    lines: &Lines<'_>,
    code: &str,
    message: &str,
    start: u32,
    end: u32,
) -> Diagnostic {
    let next = lines
        .text()
        .get(start as usize..)
        .and_then(|rest| rest.chars().next());
    let one = next
        .filter(|c| !matches!(c, '\n' | '\r'))
        .map_or(0, |c| c.len_utf8() as u32);
    let span = lines.span(start, end.max(start + one));
    Diagnostic {
        code: code.to_owned(),
        severity: Severity::Error,
        message: message.to_owned(),
        labels: vec![Label {
            span,
            text: "here".to_owned(),
        }],
        help: None,
        cell: None,
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    // An acronym or a name in capitals keeps its case.
    match text.chars().nth(1) {
        Some(second) if second.is_lowercase() => first.chain(chars).collect(),
        _ => text.to_owned(),
    }
}
