//! Quotes words for a shell.

use std::borrow::Cow;

use shlex::Quoter;

/// Quotes a value as one word for a Unix shell. A NUL passes through, since no command can take a
/// value with one.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let quoter = Quoter::new().allow_nul(true);
    quoter.quote(text).unwrap_or(Cow::Borrowed(text))
}

/// Joins the words of a command into a line that can be pasted into a shell.
pub(crate) fn line(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|text| word(text)).collect();
    words.join(" ")
}

/// The kind of shell quote that is still open at a point of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Open {
    /// No quote is open.
    #[default]
    Nothing,
    /// Inside `'...`.
    Single,
    /// Inside `"...`.
    Double,
    /// After a trailing backslash.
    Escape,
}

impl Open {
    /// Returns the quote that is open after `text`.
    pub(crate) fn behind(self, text: &str) -> Self {
        let mut open = self;
        let mut escaped_in = Self::Nothing;
        for char in text.chars() {
            open = match (open, char) {
                (Self::Escape, _) => escaped_in,
                (Self::Nothing | Self::Double, '\\') => {
                    escaped_in = open;
                    Self::Escape
                }
                (Self::Nothing, '\'') => Self::Single,
                (Self::Nothing, '"') => Self::Double,
                (Self::Single, '\'') | (Self::Double, '"') => Self::Nothing,
                (same, _) => same,
            };
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_needs_quotes_gets_them() {
        assert_eq!(
            line(&["ssh", "me@host", "a b", "it's", "", "$HOME"].map(str::to_owned)),
            r#"ssh me@host 'a b' "it's" '' '$HOME'"#
        );
    }

    #[test]
    fn open_quotes_are_seen() {
        for (text, open) in [
            ("echo ", Open::Nothing),
            ("echo '", Open::Single),
            ("echo \"", Open::Double),
            ("echo 'a' \"b\"", Open::Nothing),
            ("echo \\", Open::Escape),
            ("echo \"\\\"", Open::Double),
            (r"echo '\'", Open::Nothing),
            ("echo \\'", Open::Nothing),
        ] {
            assert_eq!(Open::default().behind(text), open, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_back_what_was_quoted(text in "[^\0]{0,40}") {
            let output = Command::new("sh").args(["-c", &format!("printf %s {}", word(&text))]).output().unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), text);
        }
    }
}
