//! The one filter between a text and a terminal.
//!
//! Texts hold what a project says: file names, source, messages. None of it may move the cursor, clear the screen or turn
//! the direction of a line. So no renderer writes an escape sequence: it marks its styles with two noncharacters, which
//! Unicode keeps for the inner use of programs. Only [`Printer`] writes to a stream, and only [`printable`] turns marks into
//! escape sequences; every other control character becomes `\u001b`, as in JSON, where it means the same as before.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Begins the parameters of a style (`31;1`).
pub(crate) const MARK: char = '\u{fdd0}';
/// Ends the parameters of a style.
pub(crate) const MARK_END: char = '\u{fdd1}';
/// Maximum length of a style's parameters: `38;2;255;255;255` with a background of the same kind
/// fits.
const LONGEST_STYLE: usize = 40;

/// A stream that is written through the filter.
pub struct Printer {
    stream: Box<dyn Write + Send>,
    styled: bool,
}

impl Printer {
    /// Creates a printer for a terminal. With `styled`, texts keep their colours.
    pub fn new(stream: Box<dyn Write + Send>, styled: bool) -> Self {
        Self { stream, styled }
    }

    /// Writes the text in one piece, so that no other output comes between its lines.
    pub fn print(&mut self, text: &str) -> io::Result<()> {
        self.stream
            .write_all(printable(text, self.styled).as_bytes())?;
        self.stream.flush()
    }
}

/// Returns the mark of a style with these parameters. Empty parameters end all styles.
pub(crate) fn style(parameters: &str) -> String {
    format!("{MARK}{parameters}{MARK_END}")
}

/// Replaces the escape sequences of a text that only sets colours, such as miette's, by marks.
pub(crate) fn mark_styles(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        marked.push_str(&rest[..at]);
        let sequence = &rest[at + 2..];
        let Some(end) = sequence.find('m').filter(|&end| is_style(&sequence[..end])) else {
            marked.push_str(&rest[at..at + 2]);
            rest = sequence;
            continue;
        };
        marked.push_str(&style(&sequence[..end]));
        rest = &sequence[end + 1..];
    }
    marked + rest
}

/// Returns the text to print. Without `styled` a mark is escaped like other special characters.
pub(crate) fn printable(text: &str, styled: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut open = false;
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match parameters(char, rest).filter(|_| styled) {
            Some(parameters) => {
                open = !matches!(parameters, "" | "0");
                let _ = write!(shown, "\u{1b}[{parameters}m");
                rest = &rest[parameters.len() + MARK_END.len_utf8()..];
            }
            // The first half of a line break.
            None if char == '\r' && rest.starts_with('\n') => {}
            None => push_printable(&mut shown, char),
        }
    }
    if open {
        shown.push_str("\u{1b}[0m");
    }
    shown
}

/// Returns the parameters of the style whose mark begins with `char`.
fn parameters(char: char, rest: &str) -> Option<&str> {
    let end = rest
        .bytes()
        .take(LONGEST_STYLE)
        .position(|byte| !byte.is_ascii_digit() && !matches!(byte, b';' | b':'))?;
    (char == MARK && rest[end..].starts_with(MARK_END)).then_some(&rest[..end])
}

/// Returns whether these are the parameters of an escape sequence that only sets colours.
pub(crate) fn is_style(parameters: &str) -> bool {
    parameters.len() < LONGEST_STYLE
        && parameters
            .chars()
            .all(|char| char.is_ascii_digit() || matches!(char, ';' | ':'))
}

/// Adds a character, or how JSON writes it if a terminal would obey it instead of showing it.
pub(crate) fn push_printable(text: &mut String, char: char) {
    if is_obeyed(char) {
        // All of them have four hexadecimal digits.
        let _ = write!(text, "\\u{:04x}", u32::from(char));
    } else {
        text.push(char);
    }
}

/// Returns whether a terminal would obey a character instead of showing it: control characters
/// except line breaks and tabs, characters that change the direction of text, and this module's
/// marks.
pub(crate) fn is_obeyed(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | MARK | MARK_END => true,
        char => char.is_control(),
    }
}

/// Returns the text, or its beginning and end with a note between them that says how much is left
/// out and `where_whole` the full text is.
pub(crate) fn shortened(text: &str, longest: usize, where_whole: &str) -> String {
    let length = text.chars().count();
    if length <= longest {
        return text.to_owned();
    }
    let (head, tail) = (longest * 3 / 4, longest / 4);
    let at = |chars: usize| {
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(offset, _)| offset)
    };
    let left_out = length - head - tail;
    let (head, tail) = (&text[..at(head)], &text[at(length - tail)..]);
    format!("{head}\n[... {left_out} characters left out{where_whole} ...]\n{tail}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn controls_are_shown_as_json_writes_them() {
        let text = "a\u{1b}[31mb\u{7}\u{9b}2Jc\u{202e}d\u{7f}\re\r\nf\tg\u{fdd0}31\u{fdd1}";
        let shown = r"a\u001b[31mb\u0007\u009b2Jc\u202ed\u007f\u000de";
        assert_eq!(
            printable(text, false),
            format!("{shown}\nf\tg\\ufdd031\\ufdd1")
        );
    }

    #[test]
    fn marks_are_styles_and_the_last_one_is_ended() {
        assert_eq!(
            printable(&format!("{}red", style("31")), true),
            "\u{1b}[31mred\u{1b}[0m"
        );
        assert_eq!(
            printable(&format!("{}red{} x", style("31;1"), style("0")), true),
            "\u{1b}[31;1mred\u{1b}[0m x"
        );
        assert_eq!(printable("\u{fdd0}2J\u{fdd1}", true), r"\ufdd02J\ufdd1");
        assert_eq!(
            mark_styles("a\u{1b}[1mb\u{1b}[2Jc"),
            format!("a{}b\u{1b}[2Jc", style("1"))
        );
    }

    #[test]
    fn a_long_text_keeps_its_beginning_and_its_end() {
        let text = format!("beginning{}end", "ö".repeat(200_000));
        let short = shortened(&text, 40, ": elsewhere");
        insta::assert_snapshot!(short, @"
        beginningööööööööööööööööööööö
        [... 199972 characters left out: elsewhere ...]
        öööööööend
        ");
        assert_eq!(shortened("whole", 5, ""), "whole");
    }

    proptest! {
        #[test]
        fn nothing_but_styles_reaches_the_terminal(text in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202e}\u{fdd0}\u{fdd1}\\[;0-9m]){0,80}") {
            let plain = printable(&text, false);
            prop_assert!(!plain.contains(|char: char| char != '\n' && char != '\t' && (char.is_control() || is_obeyed(char))));
            let styled = printable(&text, true);
            prop_assert!(!mark_styles(&styled).contains(|char: char| char != '\n' && char != '\t' && char.is_control()), "{styled:?}");
        }

        #[test]
        fn json_means_the_same(text in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202e}\u{fdd0}\u{fdd1}]){0,40}") {
            let json = printable(&serde_json::to_string(&text).unwrap(), false);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
