//! Strings with fields (f-strings and t-strings), in which quotes may nest since Python 3.12.

use crate::lexer::{Frame, Scanner, Stop};

/// The meaning of the letters before a string's quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefix {
    /// It has fields: `f` or `t`.
    pub(crate) fields: bool,
    /// Backslashes are literal.
    pub(crate) raw: bool,
}

impl Prefix {
    /// Reads the prefix of the string whose quote is at `quote`.
    pub(crate) fn before(bytes: &[u8], quote: usize) -> Self {
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
        let length = bytes[..quote]
            .iter()
            .rev()
            .take_while(|byte| is_word(byte))
            .take(3)
            .count();
        let has = |letter: u8| {
            bytes[quote - length..quote]
                .iter()
                .any(|byte| byte.eq_ignore_ascii_case(&letter))
        };
        if length < 3 {
            Self {
                fields: has(b'f') || has(b't'),
                raw: has(b'r'),
            }
        } else {
            Self::default()
        }
    }
}

/// Takes one step in the literal part.
pub(crate) fn text(scanner: &mut Scanner<'_>) -> Option<Stop> {
    let Some(Frame::Text {
        quote,
        triple,
        raw,
        at,
    }) = scanner.stack.last().copied()
    else {
        return None;
    };
    match (scanner.peek(0)?, scanner.peek(1)) {
        (b'\\', next) => return backslash(scanner, next, raw, at),
        (b'{', Some(b'{')) => scanner.at += 2,
        (b'{', _) => open_field(scanner),
        (b'\n', _) if !triple => drop(scanner.stack.pop()), // unterminated on its line: the Python parser says so
        _ if scanner.closes(quote, triple) => {
            scanner.stack.pop();
            scanner.note_token(quote);
        }
        _ => scanner.at += 1,
    }
    None
}

fn backslash(scanner: &mut Scanner<'_>, next: Option<u8>, raw: bool, start: usize) -> Option<Stop> {
    let named = next == Some(b'N') && scanner.peek(2) == Some(b'{') && !raw;
    scanner.at += match next {
        _ if named => 3,
        Some(b'{' | b'}') => 1,
        _ => 2,
    };
    (scanner.at >= scanner.bytes.len()).then_some(Stop::Unclosed(start))
}

/// Takes one step in a format specification.
pub(crate) fn spec(scanner: &mut Scanner<'_>) -> Option<Stop> {
    let (quote, triple) = enclosing(&scanner.stack)?;
    match scanner.peek(0)? {
        b'{' => open_field(scanner),
        b'}' => {
            scanner.stack.pop();
            scanner.stack.pop();
            scanner.at += 1;
        }
        b'\n' if !triple => leave_text(scanner),
        byte if byte == quote && !triple => leave_field(scanner),
        _ if triple && scanner.bytes[scanner.at..].starts_with(&[quote; 3]) => leave_field(scanner),
        _ => scanner.at += 1,
    }
    None
}

fn open_field(scanner: &mut Scanner<'_>) {
    scanner.stack.push(Frame::Field(scanner.at));
    scanner.at += 1;
}

/// Goes back to the literal part, which is invalid; the Python parser reports it.
fn leave_field(scanner: &mut Scanner<'_>) {
    while !matches!(scanner.stack.last(), None | Some(Frame::Text { .. })) {
        scanner.stack.pop();
    }
}

fn leave_text(scanner: &mut Scanner<'_>) {
    leave_field(scanner);
    scanner.stack.pop();
}

fn enclosing(stack: &[Frame]) -> Option<(u8, bool)> {
    stack.iter().rev().find_map(|frame| match frame {
        Frame::Text { quote, triple, .. } => Some((*quote, *triple)),
        _ => None,
    })
}
