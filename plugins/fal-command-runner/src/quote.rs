//! Words as a shell reads them.

use std::borrow::Cow;

/// One word for a shell of Unix, whatever is in it.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let plain = |char: char| char.is_ascii_alphanumeric() || "_-./:=@%+,".contains(char);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into();
    }
    format!("'{}'", text.replace('\'', r"'\''")).into()
}

/// A command as one would type it.
pub(crate) fn line(words: &[String]) -> String {
    words
        .iter()
        .map(|text| word(text))
        .collect::<Vec<_>>()
        .join(" ")
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
            r"ssh me@host 'a b' 'it'\''s' '' '$HOME'"
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
