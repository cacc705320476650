//! Strings and bytes as `repr` prints them: single quotes where possible.

use std::fmt::Write;

/// Prints a string.
pub(crate) fn string(text: &str) -> String {
    let quote = quote(text.contains('\''), text.contains('"'));
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    text.chars().for_each(|c| push(&mut out, c, quote));
    out.push(quote);
    out
}

/// Prints bytes.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut out = format!("b{quote}");
    for byte in bytes {
        match byte {
            0..=0x7f => push(&mut out, char::from(*byte), quote),
            _ => escape(&mut out, u32::from(*byte)),
        }
    }
    out.push(quote);
    out
}

fn quote(single: bool, double: bool) -> char {
    if single && !double { '"' } else { '\'' }
}

fn push(out: &mut String, c: char, quote: char) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if c == quote => out.extend(['\\', c]),
        c if printable(c) => out.push(c),
        c => escape(out, c.into()),
    }
}

fn escape(out: &mut String, code: u32) {
    // Writing to a string cannot fail.
    let _ = match code {
        0..=0xff => write!(out, "\\x{code:02x}"),
        0x100..=0xffff => write!(out, "\\u{code:04x}"),
        _ => write!(out, "\\U{code:08x}"),
    };
}

/// Whether `str.isprintable` holds: `escape_debug` leaves such characters as they are, and
/// combining ones too behind another character.
fn printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    let mut buffer = ['a'; 2];
    buffer[1] = c;
    let text: String = buffer.iter().collect();
    text.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_escapes_are_pythons() {
        assert_eq!(string("a"), "'a'");
        assert_eq!(string("it's"), "\"it's\"");
        assert_eq!(string("a\"b"), "'a\"b'");
        assert_eq!(string("'\""), "'\\'\"'");
        assert_eq!(
            string("\\ \n\t\r\0\x7f\u{a0}\u{e9}\u{301}\u{200b}\u{1f600}\u{e000}"),
            "'\\\\ \\n\\t\\r\\x00\\x7f\\xa0\u{e9}\u{301}\\u200b\u{1f600}\\ue000'"
        );
        assert_eq!(bytes(b"a'\xff"), "b\"a'\\xff\"");
    }
}
