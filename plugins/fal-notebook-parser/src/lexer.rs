//! Just enough of Python's lexical grammar to know where a statement ends: strings, brackets,
//! comments, continuations.

use crate::fstring::{self, Prefix};

/// The result of scanning one logical line.
#[derive(Debug)]
pub(crate) struct LogicalLine {
    /// The offset of its line end, or of the end of the text.
    pub(crate) end: usize,
    /// Why the scan stopped.
    pub(crate) stop: Stop,
    /// The offsets of `;` between simple statements.
    pub(crate) separators: Vec<usize>,
    /// The offset and byte of the last character that is code.
    pub(crate) last_token: Option<(usize, u8)>,
    /// Whether it ends in a comment.
    pub(crate) comment: bool,
}

/// Why a scan stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The logical line is complete.
    End,
    /// One of IPython's escapes follows the first `=`, at this offset.
    Escape(usize),
    /// The text ended inside the bracket or string that opens at this offset.
    Unclosed(usize),
    /// The text ended with a backslash, at this offset.
    Continued(usize),
}

/// What encloses the scanner's position. The offset is where it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    /// A bracket.
    Bracket(usize),
    /// The literal part of an f-string.
    Text {
        quote: u8,
        triple: bool,
        raw: bool,
        at: usize,
    },
    /// `{...}` inside an f-string.
    Field(usize),
    /// The format specification of a field.
    Spec(usize),
}

pub(crate) struct Scanner<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) at: usize,
    pub(crate) stack: Vec<Frame>,
    assigned: bool,
    line: LogicalLine,
}

/// Scans the logical line of `text` that begins at `start`.
pub(crate) fn scan(text: &str, start: usize) -> LogicalLine {
    Scanner::new(text, start).run()
}

/// Scans like [`scan`], but does not stop at IPython's escapes.
pub(crate) fn scan_past_escapes(text: &str, start: usize) -> LogicalLine {
    Scanner {
        assigned: true,
        ..Scanner::new(text, start)
    }
    .run()
}

/// Returns the end of the string that `text` begins with, behind its prefix.
pub(crate) fn first_string_end(text: &str) -> Option<usize> {
    let start = text.find(['"', '\''])?;
    let mut scanner = Scanner::new(text, start);
    let quote = scanner.peek(0)?;
    scanner.string(quote).is_none().then_some(scanner.at)
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        let line = LogicalLine {
            end: text.len(),
            stop: Stop::End,
            separators: Vec::new(),
            last_token: None,
            comment: false,
        };
        Self {
            bytes: text.as_bytes(),
            at,
            stack: Vec::new(),
            assigned: false,
            line,
        }
    }

    fn run(mut self) -> LogicalLine {
        while let Some(byte) = self.peek(0) {
            let done = match self.stack.last() {
                Some(Frame::Text { .. }) => fstring::text(&mut self),
                Some(Frame::Spec(_)) => fstring::spec(&mut self),
                _ => self.code(byte),
            };
            if let Some(stop) = done {
                return self.finish(stop);
            }
        }
        let open = self.stack.last().map(|frame| Stop::Unclosed(frame.start()));
        self.finish(open.unwrap_or(Stop::End))
    }

    fn finish(mut self, stop: Stop) -> LogicalLine {
        self.line.end = self.at.min(self.bytes.len());
        self.line.stop = stop;
        self.line
    }

    pub(crate) fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Takes one step in code; `Some` ends the logical line.
    fn code(&mut self, byte: u8) -> Option<Stop> {
        match byte {
            b'\n' if self.stack.is_empty() => return Some(Stop::End),
            b' ' | b'\t' | b'\x0c' | b'\n' => self.at += 1,
            b'#' => self.comment(),
            b'\\' => return self.backslash(),
            b'\'' | b'"' => return self.string(byte),
            _ => return self.token(byte),
        }
        None
    }

    fn token(&mut self, byte: u8) -> Option<Stop> {
        let start = self.at;
        self.at += 1;
        match byte {
            b'(' | b'[' | b'{' => self.stack.push(Frame::Bracket(start)),
            b')' | b']' | b'}' => self.close(byte),
            b':' if matches!(self.stack.last(), Some(Frame::Field(_))) => {
                self.stack.push(Frame::Spec(start))
            }
            b';' if self.stack.is_empty() => self.line.separators.push(start),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'@' | b'<' | b'>' | b'!'
            | b':' | b'=' => {
                if self.peek(0) == Some(b'=') {
                    self.at += 1;
                } else if byte == b'=' && self.stack.is_empty() && !self.assigned {
                    self.assigned = true;
                    return self.escape_after(start).map(Stop::Escape);
                }
            }
            byte if is_word(byte) => {
                self.at += self.bytes[self.at..]
                    .iter()
                    .take_while(|byte| is_word(**byte))
                    .count()
            }
            _ => {}
        }
        self.line.last_token = Some((self.at - 1, self.bytes[self.at - 1]));
        None
    }

    fn close(&mut self, byte: u8) {
        let closes = match self.stack.last() {
            Some(Frame::Bracket(_)) => true,
            Some(Frame::Field(_)) => byte == b'}',
            _ => false,
        };
        if closes {
            self.stack.pop();
        }
    }

    fn comment(&mut self) {
        self.line.comment |= self.stack.is_empty();
        self.at += self.bytes[self.at..]
            .iter()
            .take_while(|byte| **byte != b'\n')
            .count();
    }

    /// A backslash joins lines; at the end of the text it would join the next cell.
    fn backslash(&mut self) -> Option<Stop> {
        let start = self.at;
        self.at += 1;
        if self.peek(0) == Some(b'\n') {
            self.at += 1;
        }
        (self.at >= self.bytes.len()).then_some(Stop::Continued(start))
    }

    /// Scans a string from its first quote. Strings with fields are read piece by piece.
    fn string(&mut self, quote: u8) -> Option<Stop> {
        let start = self.at;
        let triple = self.peek(1) == Some(quote) && self.peek(2) == Some(quote);
        let prefix = Prefix::before(self.bytes, start);
        self.at += if triple { 3 } else { 1 };
        if prefix.fields {
            self.stack.push(Frame::Text {
                quote,
                triple,
                raw: prefix.raw,
                at: start,
            });
            return None;
        }
        while let Some(byte) = self.peek(0) {
            if byte == b'\\' {
                self.at += 2;
            } else if byte == b'\n' && !triple {
                return None; // unterminated on its line: the Python parser says so
            } else if self.closes(quote, triple) {
                self.line.last_token = Some((self.at - 1, quote));
                return None;
            } else {
                self.at += 1;
            }
        }
        let joins_next = triple || self.bytes.ends_with(b"\\") || self.bytes.ends_with(b"\\\n");
        joins_next.then_some(Stop::Unclosed(start))
    }

    /// Steps over the end of a string, if it is at the current position.
    pub(crate) fn closes(&mut self, quote: u8, triple: bool) -> bool {
        let length = if triple { 3 } else { 1 };
        let closes = (0..length).all(|ahead| self.peek(ahead) == Some(quote));
        if closes {
            self.at += length;
        }
        closes
    }

    pub(crate) fn note_token(&mut self, byte: u8) {
        self.line.last_token = Some((self.at - 1, byte));
    }

    /// Returns the offset of `%name` or `!command` after the `=` at `equals`.
    fn escape_after(&self, equals: usize) -> Option<usize> {
        let at = skip_space(self.bytes, equals + 1);
        match self.bytes.get(at)? {
            b'%' => self
                .bytes
                .get(skip_space(self.bytes, at + 1))
                .is_some_and(|byte| starts_name(*byte))
                .then_some(at),
            b'!' if self.bytes.get(at + 1) != Some(&b'=') => {
                let line_start = self.bytes[..equals]
                    .iter()
                    .rposition(|byte| *byte == b'\n')
                    .map_or(0, |end| end + 1);
                let something_before = self.bytes[line_start..equals]
                    .iter()
                    .any(|byte| !byte.is_ascii_whitespace());
                something_before.then_some(at)
            }
            _ => None,
        }
    }
}

/// Skips blanks and continued line ends.
pub(crate) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at..) {
            Some([b' ' | b'\t' | b'\x0c', ..]) => at += 1,
            Some([b'\\', b'\n', ..]) => at += 2,
            _ => return at,
        }
    }
}

impl Frame {
    fn start(self) -> usize {
        match self {
            Self::Bracket(at) | Self::Field(at) | Self::Spec(at) | Self::Text { at, .. } => at,
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn starts_name(byte: u8) -> bool {
    is_word(byte) && !byte.is_ascii_digit()
}
