//! Stubs whose layout a formatter changed: white space and letter case outside of quotes, which do
//! not matter.
//!
//! The stub is rewritten from the dependencies in such a text, and its checksum must be the one in
//! the text. So no addition or change by a person is overlooked, whatever a formatter does.

use crate::{
    checksum::{checksum, is_python_space, MARKER},
    config::Relation,
    render,
};

/// The text before the dependencies, the text behind them, and the relations: in lower case,
/// without white space.
const CONFIG: (&str, &str) = ("{{config(materialized=", ")}}/*");
const HEADING: &str = "scriptdependencies:";
const SELECT: &str = "*/select*from";
const RELATIONS: [(&str, Relation); 2] = [
    ("{{this}}", Relation::This),
    ("{{target.schema}}.{{model.name}}", Relation::TargetSchema),
];
/// Python's words that are not in lower case.
const WORDS: [(&str, &str); 3] = [("none", "None"), ("true", "True"), ("false", "False")];

/// Whether a text is an unedited stub except for its layout.
pub(crate) fn is_ours(text: &str) -> bool {
    tokens(text)
        .and_then(|tokens| {
            Parser {
                text,
                tokens: &tokens,
            }
            .stub()
        })
        .unwrap_or(false)
}

/// A character outside of quotes, or a quoted text.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    /// Its offset in the text.
    at: usize,
    source: &'a str,
}

impl Token<'_> {
    fn is_quoted(&self) -> bool {
        self.source.starts_with(['\'', '"'])
    }

    fn is(&self, letter: char) -> bool {
        !self.is_quoted() && self.source.chars().eq([letter])
            || self.source.chars().eq([letter.to_ascii_uppercase()])
    }
}

/// Splits a text into tokens; `None` if a quote is left open.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices();
    while let Some((at, letter)) = rest.next() {
        if is_python_space(letter) {
            continue;
        }
        let mut end = at + letter.len_utf8();
        if matches!(letter, '\'' | '"') {
            let mut escaped = false;
            let (last, _) = rest.find(|(_, inside)| {
                let ends = *inside == letter && !escaped;
                escaped = *inside == '\\' && !escaped;
                ends
            })?;
            end = last + 1;
        }
        tokens.push(Token {
            at,
            source: &text[at..end],
        });
    }
    Some(tokens)
}

/// Takes the tokens from the front.
struct Parser<'a, 't> {
    text: &'a str,
    tokens: &'t [Token<'a>],
}

impl<'a> Parser<'a, '_> {
    /// Reads the parts of a stub; `None` if one is missing.
    fn stub(mut self) -> Option<bool> {
        self.words(CONFIG.0)?;
        // The stub writer wrote these quotes, not the user, so a formatter of Jinja may change
        // them.
        let materialized = self.next().map(|token| token.source)?;
        if !matches!(materialized, "'ephemeral'" | "\"ephemeral\"") {
            return None;
        }
        self.words(CONFIG.1)?;
        self.words(&MARKER.to_ascii_lowercase())?;
        let recorded = self.checksum()?;
        self.words(HEADING)?;
        let mut dependencies = Vec::new();
        while self.words("{{").is_some() {
            dependencies.push(self.dependency()?);
        }
        self.words(SELECT)?;
        let relation = RELATIONS
            .iter()
            .find(|(words, _)| self.words(words).is_some())?
            .1;
        if !self.tokens.is_empty() {
            return None;
        }
        let with = |line: fn(&Line<'a>) -> String| {
            let lines: Vec<String> = dependencies
                .iter()
                .map(|line_of| format!("{{{{ {} }}}}", line(line_of)))
                .collect();
            checksum(&render::render(&lines, relation)) == recorded
        };
        // A dependency of a docstring is written as in the docstring, any other as Python prints
        // it.
        Some(with(|line| line.written.to_owned()) || with(|line| line.printed.clone()))
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    /// Takes these letters, if they come next.
    fn words(&mut self, words: &str) -> Option<()> {
        let found = self.tokens.get(..words.chars().count())?;
        if !found
            .iter()
            .zip(words.chars())
            .all(|(token, letter)| token.is(letter))
        {
            return None;
        }
        self.tokens = &self.tokens[found.len()..];
        Some(())
    }

    fn checksum(&mut self) -> Option<String> {
        let digits = (0..32).map(|_| self.next().and_then(|token| token.source.chars().next()));
        let digits: Option<String> = digits.collect();
        digits
            .map(|digits| digits.to_ascii_lowercase())
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    /// Returns the text before the next `}}`.
    fn dependency(&mut self) -> Option<Line<'a>> {
        let (tokens, first) = (self.tokens, self.tokens.first()?.at);
        while self.words("}}").is_none() {
            self.next()?;
        }
        let own = &tokens[..tokens.len() - self.tokens.len() - 2];
        let last = own.last()?;
        let written = &self.text[first..last.at + last.source.len()];
        Some(Line {
            written,
            printed: printed(own),
        })
    }
}

/// A dependency.
struct Line<'a> {
    /// As in the text.
    written: &'a str,
    /// As Python prints it.
    printed: String,
}

fn printed(tokens: &[Token<'_>]) -> String {
    let mut text = String::new();
    let mut word = String::new();
    for token in tokens {
        let lower = token.source.to_ascii_lowercase();
        if !token.is_quoted()
            && lower
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
        {
            word.push_str(&lower);
            continue;
        }
        text.push_str(python_word(&std::mem::take(&mut word)));
        text.push_str(if token.is_quoted() {
            token.source
        } else {
            &lower
        });
        if !token.is_quoted() && matches!(token.source, "," | ":") {
            text.push(' ');
        }
    }
    text + python_word(&word)
}

fn python_word(word: &str) -> &str {
    WORDS
        .iter()
        .find(|(lower, _)| *lower == word)
        .map_or(word, |(_, python)| python)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{checksum::judge, render::render};
    use fal_plugin::payload::StubVerdict;

    fn stub(dependencies: &[&str], relation: Relation) -> String {
        let lines: Vec<_> = dependencies
            .iter()
            .map(|text| format!("{{{{ {text} }}}}"))
            .collect();
        render(&lines, relation)
    }

    const NAMES: [&str; 7] = [
        "ref('model_a')",
        "ref(\"it's\")",
        "source('raw', 'Größe  x')",
        "ref('p', 'm', version=None)",
        r"ref('a\'b', v=2)",
        "ref('a,b:c')",
        "source('S', 'T')",
    ];

    /// A stub after sqlfmt (with and without its formatter of Jinja) and after sqlfluff.
    #[test]
    fn formatted_stubs_are_ours() {
        let sum = "d1d75fcba93d62fde2676e2afa249c2c";
        let comment = format!("/*\nFAL_GENERATED {sum}\n\nScript dependencies:\n\n{{{{ ref('customers') }}}}\n{{{{ source('raw', 'orders') }}}}\n\n*/\n");
        for (before, after) in [
            (
                "{{ config(materialized=\"ephemeral\") }}\n",
                "select *\nfrom {{ this }}\n",
            ),
            (
                "{{ config(materialized='ephemeral') }}\n",
                "select *\nfrom {{ this }}\n",
            ),
            (
                "{{ config(materialized='ephemeral') }}\n",
                "\nselect * from {{ this }}\n",
            ),
        ] {
            assert_eq!(
                judge(&format!("{before}{comment}{after}")),
                StubVerdict::Ours,
                "{before}{after}"
            );
        }
    }

    /// Where each character is: inside quotes or not. The quotes themselves count as inside.
    fn inside(text: &str) -> Vec<(usize, bool)> {
        let quoted: Vec<_> = tokens(text)
            .unwrap()
            .into_iter()
            .filter(Token::is_quoted)
            .collect();
        let is_quoted = |at| {
            quoted
                .iter()
                .any(|token| (token.at..token.at + token.source.len()).contains(&at))
        };
        text.char_indices()
            .map(|(at, _)| (at, is_quoted(at)))
            .collect()
    }

    fn any_stub() -> impl Strategy<Value = String> {
        let names = proptest::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len());
        (names, any::<bool>()).prop_map(|(names, this)| {
            stub(
                &names,
                if this {
                    Relation::This
                } else {
                    Relation::TargetSchema
                },
            )
        })
    }

    proptest! {
        #[test]
        fn layout_means_nothing_outside_quotes(
            text in any_stub(),
            edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0..4, "[ \t\n\r]{1,3}"), 0..40),
        ) {
            let mut changed = text;
            for (index, kind, space) in edits {
                let outside: Vec<_> = inside(&changed).into_iter().filter(|(_, inside)| !inside).map(|(at, _)| at).collect();
                let at = outside[index.index(outside.len())];
                let letter = changed[at..].chars().next().unwrap();
                let width = letter.len_utf8();
                match kind {
                    0 => changed.insert_str(at, &space),
                    1 if is_python_space(letter) => changed.replace_range(at..at + width, &space),
                    2 if is_python_space(letter) => changed.replace_range(at..at + width, ""),
                    _ if letter.is_ascii_lowercase() => changed.replace_range(at..at + width, &letter.to_uppercase().to_string()),
                    _ => changed.replace_range(at..at + width, &letter.to_lowercase().to_string()),
                }
            }
            prop_assert_eq!(judge(&changed), StubVerdict::Ours, "{}", changed);
        }

        #[test]
        fn every_character_inside_quotes_counts(text in any_stub(), index: proptest::sample::Index, other in "[ -~é\t\n]", how in 0..3) {
            let within: Vec<_> = inside(&text).into_iter().filter(|(_, inside)| *inside).map(|(at, _)| at).collect();
            let at = within[index.index(within.len())];
            let letter = text[at..].chars().next().unwrap();
            let mut edited = text.clone();
            match how {
                0 => edited.insert_str(at, &other),
                1 => edited.replace_range(at..at + letter.len_utf8(), &other),
                _ => edited.replace_range(at..at + letter.len_utf8(), ""),
            }
            // White space ahead of an opening quote is outside.
            let ahead = how == 0 && !within.contains(&at.wrapping_sub(1)) && other.trim().is_empty();
            prop_assume!(edited != text && !ahead);
            prop_assert_eq!(judge(&edited), StubVerdict::Edited, "{}", edited);
        }

        #[test]
        fn everything_that_is_added_counts(text in any_stub(), index: proptest::sample::Index, added in "[!-~é]{1,8}") {
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let at = places[index.index(places.len())];
            let edited = format!("{}{added}{}", &text[..at], &text[at..]);
            prop_assert_ne!(judge(&edited), StubVerdict::Ours, "{}", edited);
        }
    }
}
