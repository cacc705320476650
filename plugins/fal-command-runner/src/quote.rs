//! Words as a shell reads them.

use std::borrow::Cow;

use shlex::Quoter;

/// A value as one word for a Unix shell. No command can take a value with a NUL, so the quoting lets it through.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let quoter = Quoter::new().allow_nul(true);
    quoter.quote(text).unwrap_or(Cow::Borrowed(text))
}

/// A command as one would type it.
pub(crate) fn line(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|text| word(text)).collect();
    words.join(" ")
}

/// Where the quotes of a shell stand open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Open {
    /// Nowhere.
    #[default]
    Nothing,
    /// In `'...`.
    Single,
    /// In `"...`.
    Double,
    /// Behind a backslash at the end.
    Escape,
}

impl Open {
    /// What is open behind `text`.
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
