//! Makes foreign text safe to show: it cannot move the cursor, clear the screen or leave its colour
//! behind.

use std::iter::Peekable;
use std::str::Chars;

use crate::printed::{MARK, MARK_END, is_style, style};

/// What a terminal would show of one line: control characters and escape sequences are dropped, but colours, which become
/// marked styles, only when `keep_color` is off. Of a line that was overwritten with carriage returns (progress bars) the last state remains.
pub(super) fn clean(line: &str, keep_color: bool) -> String {
    let line = line.trim_end_matches(['\r', '\n']);
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut text = String::with_capacity(line.len());
    let mut colored = false;
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => {
                let color = escape(&mut chars).filter(|_| keep_color);
                colored = color
                    .as_deref()
                    .map_or(colored, |color| !matches!(color, "" | "0"));
                text.extend(color.as_deref().map(style));
            }
            '\t' => text.push('\t'),
            MARK | MARK_END => {}
            char if char.is_control() => {}
            char => text.push(char),
        }
    }
    if colored {
        text.push_str(&style("0"));
    }
    text
}

/// Reads an escape sequence to its end. Gives its parameters if it only sets a colour.
fn escape(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    match chars.peek() {
        Some('[') => {
            chars.next();
            control_sequence(chars)
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
            None
        }
        _ => {
            // `ESC ( B` and the like have letters in between.
            while chars.next_if(|char| matches!(char, ' '..='/')).is_some() {}
            chars.next_if(|char| matches!(char, '0'..='~'));
            None
        }
    }
}

fn control_sequence(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut parameters = String::new();
    while let Some(char) = chars.next_if(|char| matches!(char, ' '..='?')) {
        parameters.push(char);
    }
    let last = chars.next_if(|char| matches!(char, '@'..='~'))?;
    (last == 'm' && is_style(&parameters)).then_some(parameters)
}

/// A string (title, link) ends with BEL or `ESC \`.
fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(char) = chars.next() {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::clean as marked;
    use crate::printed::printable;

    fn clean(line: &str, keep_color: bool) -> String {
        printable(&marked(line, keep_color), true)
    }

    #[test]
    fn colours_are_kept_and_ended_or_dropped() {
        assert_eq!(clean("\u{1b}[31mred", true), "\u{1b}[31mred\u{1b}[0m");
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m", false), "red");
    }

    #[test]
    fn sequences_that_do_more_are_dropped() {
        assert_eq!(
            clean(
                "a\u{1b}[2Jb\u{1b}[1;1Hc\u{1b}]0;title\u{7}d\u{1b}(Be\u{1b}]8;;x\u{1b}\\f\u{8}",
                true
            ),
            "abcdef"
        );
    }

    #[test]
    fn a_progress_bar_shows_its_last_state() {
        assert_eq!(
            clean(" 10%|#   |\r 50%|##  |\r100%|####|\r", false),
            "100%|####|"
        );
    }

    #[test]
    fn text_of_all_scripts_stays() {
        assert_eq!(clean("größe\t日本語 👍🏽 x", false), "größe\t日本語 👍🏽 x");
    }

    proptest! {
        #[test]
        fn nothing_else_reaches_the_terminal(line in "(\\PC|[\u{1b}\\[\\]m;0-9\u{7}\r\u{9b}ABJ]){0,60}") {
            let plain = clean(&line, false);
            prop_assert!(plain.chars().all(|char| char == '\t' || !char.is_control()), "{plain:?}");
            let colored = clean(&line, true);
            let without_color = clean(&colored, false);
            prop_assert_eq!(without_color, plain);
        }
    }
}
