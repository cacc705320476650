//! Writes texts as Python literals.

use std::fmt::Write as _;

/// Returns a text as a literal on one line, quoted as Python's `repr` does.
pub(crate) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push(quote);
    for c in text.chars() {
        push_escaped(&mut literal, c, c == quote);
    }
    literal.push(quote);
    literal
}

/// Returns a text in double quotes, as IPython writes the arguments of `,f a b`.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        push_escaped(&mut literal, c, c == '"');
    }
    literal.push('"');
    literal
}

/// Returns one line for a triple-quoted literal. Quotes that cannot end the literal are not
/// escaped, so that most columns stay the same.
pub(crate) fn triple_quoted_line(line: &str, quote: char) -> String {
    let mut escaped = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let could_end = c == quote && chars.peek().is_none_or(|next| *next == quote);
        push_escaped(&mut escaped, c, could_end);
    }
    escaped
}

fn push_escaped(literal: &mut String, c: char, quoted: bool) {
    match c {
        '\n' => literal.push_str("\\n"),
        '\t' => literal.push_str("\\t"),
        '\\' => literal.push_str("\\\\"),
        c if quoted => literal.extend(['\\', c]),
        c if c.is_control() => drop(write!(literal, "\\x{:02x}", c as u32)), // all are below U+00A0
        c => literal.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_chooses_quotes_as_python_does() {
        for (text, expected) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", "\"it's\""),
            ("say \"x\"", "'say \"x\"'"),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            ("C:\\new\t{x}\u{0}", "'C:\\\\new\\t{x}\\x00'"),
            ("é😀", "'é😀'"),
        ] {
            assert_eq!(repr(text), expected);
        }
    }

    #[test]
    fn only_quotes_that_could_end_the_literal_are_escaped() {
        for (line, expected) in [
            ("select \"a\" from b", "select \"a\" from b"),
            ("say \"\"\"", "say \\\"\\\"\\\""),
            ("\"\"\"x", "\\\"\\\"\"x"),
            ("end\"", "end\\\""),
            ("it's", "it's"),
            ("back\\", "back\\\\"),
        ] {
            assert_eq!(triple_quoted_line(line, '"'), expected);
        }
    }
}
