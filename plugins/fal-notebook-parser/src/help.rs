//! IPython's help syntax: `name?`, `name??`, `?name`.

use crate::{call, lexer};

/// Returns the call for a statement that ends in `?`, if IPython would find a name before it.
pub(crate) fn trailing(statement: &str) -> Option<String> {
    if !statement.ends_with('?') {
        return None;
    }
    let line = lexer::scan_past_escapes(statement, 0);
    let asks = line.last_token == Some((statement.len().checked_sub(1)?, b'?')) && !line.comment;
    if !asks {
        return None;
    }
    let before = statement.trim_end_matches('?');
    let marks = &statement[before.len()..];
    (marks.len() <= 2).then_some(())?;
    target(before).map(|target| call_for(target, marks))
}

/// Returns the call that asks about `target`; `marks` is `?` or `??`.
pub(crate) fn call_for(target: &str, marks: &str) -> String {
    let magic = match marks {
        "??" => "pinfo2",
        _ if target.contains('*') => "psearch",
        _ => "pinfo",
    };
    call::line_magic(magic, target)
}

/// Returns the longest name at the end of `text`: `%{0,2}name(.name|[0])*`, with `*` as a wildcard.
fn target(text: &str) -> Option<&str> {
    let allowed = |c: char| is_name(c) || matches!(c, '.' | '%' | '[' | ']' | '-');
    let start = text.len()
        - text
            .chars()
            .rev()
            .take_while(|c| allowed(*c))
            .map(char::len_utf8)
            .sum::<usize>();
    let tail = &text[start..];
    tail.char_indices()
        .map(|(index, _)| &tail[index..])
        .find(|candidate| is_target(candidate))
}

fn is_target(text: &str) -> bool {
    let text = text.strip_prefix('%').unwrap_or(text);
    let text = text.strip_prefix('%').unwrap_or(text);
    let Some(mut rest) = after_name(text) else {
        return false;
    };
    while !rest.is_empty() {
        let next = rest
            .strip_prefix('.')
            .map_or_else(|| after_index(rest), after_name);
        let Some(next) = next else { return false };
        rest = next;
    }
    true
}

fn after_name(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(is_name);
    let starts_well = text.starts_with(|c: char| is_name(c) && !c.is_numeric());
    starts_well.then_some(rest)
}

fn after_index(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('[')?;
    let digits = digits.strip_prefix('-').unwrap_or(digits);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() < digits.len() {
        rest.strip_prefix(']')
    } else {
        None
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '*'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_before_the_mark_is_asked_about() {
        for (statement, name, about) in [
            ("df?", "pinfo", "df"),
            ("df??", "pinfo2", "df"),
            ("df.head?", "pinfo", "df.head"),
            ("a.b[0].c?", "pinfo", "a.b[0].c"),
            ("np.*load*?", "psearch", "np.*load*"),
            ("%time?", "pinfo", "%time"),
            ("%%time??", "pinfo2", "%%time"),
            ("x = f(a).b?", "pinfo", "b"),
            ("x = 1; y?", "pinfo", "y"),
            ("x = !ls?", "pinfo", "ls"),
            ("x = %time?", "pinfo", "%time"),
        ] {
            assert_eq!(
                trailing(statement),
                Some(call::line_magic(name, about)),
                "{statement}"
            );
        }
    }

    #[test]
    fn a_mark_elsewhere_is_no_question() {
        for statement in [
            "?",
            "??",
            "df???",
            "x = 'a?'",
            "f() # why?",
            "f()?",
            "1?",
            "'it's?'",
            "",
        ] {
            assert_eq!(trailing(statement), None, "{statement}");
        }
    }
}
