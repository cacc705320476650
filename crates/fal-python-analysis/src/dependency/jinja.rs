//! Finds `ref` and `source` in the Jinja of a SQL text.

use fal_plugin::payload::DependencyKind;

use super::{
    found::LONGEST,
    literal_call::{self, LiteralCall},
    reference,
};
use crate::{evaluate::UNKNOWN, value::Value};

/// One call in Jinja.
#[derive(Debug, PartialEq)]
pub(super) struct JinjaCall<'s> {
    pub(super) kind: DependencyKind,
    /// The call as written.
    pub(super) text: &'s str,
    /// Its arguments; `None` if they are not all literals.
    pub(super) arguments: Option<LiteralCall>,
}

/// Returns all calls in `{{ ... }}` and `{% ... %}`, outside of comments and raw blocks.
pub(super) fn calls(sql: &str) -> Vec<JinjaCall<'_>> {
    let mut out = Vec::new();
    let mut strings = Strings::default();
    let mut rest = sql;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        let Some(kind) = rest.chars().next() else {
            break;
        };
        let close = match kind {
            '{' => "}}",
            '%' => "%}",
            '#' => "#}",
            _ => continue,
        };
        let body = &rest[1..];
        let (tag, behind) = if kind == '#' {
            comment(body)
        } else {
            split(body, close, &mut strings)
        };
        rest = behind;
        match kind {
            '%' if word(tag) == "raw" => rest = skip_raw(behind, &mut strings),
            '#' => {}
            _ => in_tag(tag, &mut out),
        }
    }
    out
}

fn comment(body: &str) -> (&str, &str) {
    body.split_once("#}").unwrap_or((body, ""))
}

/// Splits a text into the inside of a tag and the rest. Strings may contain the tag's end.
fn split<'s>(body: &'s str, close: &str, strings: &mut Strings) -> (&'s str, &'s str) {
    let mut at = 0;
    while at < body.len() {
        let rest = &body[at..];
        if let Some(behind) = rest.strip_prefix(close) {
            return (&body[..at], behind);
        }
        at += strings
            .len(rest)
            .unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
    }
    (body, "")
}

/// Finds the ends of strings. If a quote has no end, no later quote of its kind has one, so each
/// kind is searched in vain only once.
#[derive(Default)]
struct Strings {
    endless: [bool; 2],
}

impl Strings {
    /// Returns the length of the string that begins here.
    fn len(&mut self, text: &str) -> Option<usize> {
        let kind = ['\'', '"']
            .into_iter()
            .position(|quote| text.starts_with(quote))?;
        if self.endless[kind] {
            return None;
        }
        let len = string_len(text);
        self.endless[kind] = len.is_none();
        len
    }
}

fn string_len(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn word(tag: &str) -> &str {
    let tag = tag.trim_start_matches(['-', '+']).trim_start();
    &tag[..tag.find(|c: char| !is_word(c)).unwrap_or(tag.len())]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn skip_raw<'s>(mut rest: &'s str, strings: &mut Strings) -> &'s str {
    while let Some((_, behind)) = rest.split_once("{%") {
        if word(behind) == "endraw" {
            return split(behind, "%}", strings).1;
        }
        rest = behind;
    }
    ""
}

fn in_tag<'s>(tag: &'s str, out: &mut Vec<JinjaCall<'s>>) {
    let mut at = 0;
    let mut attribute = false;
    let mut strings = Strings::default();
    while at < tag.len() {
        let rest = &tag[at..];
        let first = rest.chars().next().unwrap_or(' ');
        if let Some(len) = strings.len(rest) {
            at += len;
        } else if is_word(first) {
            let name = word(rest);
            if !attribute && let Some(call) = call(name, rest) {
                out.push(call);
            }
            at += name.len();
        } else {
            at += first.len_utf8();
        }
        attribute = if first.is_whitespace() {
            attribute
        } else {
            first == '.'
        };
    }
}

fn call<'s>(name: &str, rest: &'s str) -> Option<JinjaCall<'s>> {
    let kinds = [DependencyKind::Ref, DependencyKind::Source];
    let kind = kinds
        .into_iter()
        .find(|kind| reference::name(*kind) == name)?;
    let behind = rest[name.len()..].trim_start().strip_prefix('(')?;
    let open = rest.len() - behind.len();
    let parsed = literal_call::parse(behind);
    let unknown = |values: &[Value]| values.iter().any(|value| value.display().contains(UNKNOWN));
    let len = parsed
        .as_ref()
        .map_or_else(|| unparsed_len(behind), |parsed| parsed.len);
    let text = &rest[..open + len];
    let arguments = parsed.filter(|parsed| !unknown(&parsed.args));
    Some(JinjaCall {
        kind,
        text,
        arguments,
    })
}

/// Returns the length of arguments that are not all literals, up to what is worth showing.
fn unparsed_len(text: &str) -> usize {
    let end = text
        .char_indices()
        .nth(LONGEST)
        .map_or(text.len(), |(at, _)| at);
    text[..end].find(')').map_or(end, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        calls(sql).iter().map(|call| call.text).collect()
    }

    #[test]
    fn calls_in_both_kinds_of_tags_are_found() {
        assert_eq!(
            texts(
                "{% set x = ref('a') %}select * from {{ref( \"b\" )}} join {{- source('s','t') -}}"
            ),
            ["ref('a')", "ref( \"b\" )", "source('s','t')"]
        );
        assert_eq!(
            texts("{{ ref('a').identifier ~ ref('b') }}"),
            ["ref('a')", "ref('b')"]
        );
    }

    #[test]
    fn comments_raw_blocks_strings_attributes_and_plain_text_hold_none() {
        assert_eq!(
            texts("{# ref('a') #} ref('b') {% raw %}{{ ref('c') }}{% endraw %}"),
            [""; 0]
        );
        assert_eq!(
            texts("{{ \"ref('a')\" }} {{ dbt.ref('a') }} {{ xref('a') }} {{ ref }}"),
            [""; 0]
        );
        assert_eq!(texts("{{ '}}' ~ ref('a') }}"), ["ref('a')"]);
    }

    #[test]
    fn arguments_that_are_no_literals_are_told() {
        let found = calls("{{ ref(name) }}{{ ref('a', v=1) }}{{ ref('\0') }}");
        let known: Vec<bool> = found.iter().map(|call| call.arguments.is_some()).collect();
        assert_eq!(known, [false, true, false]);
        assert_eq!(found[0].text, "ref(name)");
    }

    #[test]
    fn unfinished_tags_end_with_the_text() {
        for sql in [
            "{{ ref('a')",
            "{{ ref('a",
            "{{",
            "{",
            "{% raw %}{{ ref('a') }}",
            "{#",
            "{{ ref(",
            "é{{ é",
        ] {
            calls(sql);
        }
        assert_eq!(texts("{{ ref('a')"), ["ref('a')"]);
    }
}
