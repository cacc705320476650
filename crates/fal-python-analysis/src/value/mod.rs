//! Values known without running the file, and how Python prints them.

mod number;
mod print;
mod text;

pub(crate) use number::{complex, float};
pub(crate) use text::{bytes, string};

/// A value known without running the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Str(String),
    /// Anything else that is one token, as it is printed.
    Atom(String),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Set(Vec<Value>),
    Dict(Vec<(Value, Value)>),
}

impl Value {
    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// What `str()` makes of it, where that is simple.
    pub(crate) fn display(&self) -> String {
        self.as_str()
            .map_or_else(|| self.to_string(), str::to_owned)
    }

    /// What iterating over it gives.
    pub(crate) fn items(self) -> Option<Vec<Value>> {
        match self {
            Self::List(all) | Self::Tuple(all) | Self::Set(all) => Some(all),
            Self::Dict(pairs) => Some(pairs.into_iter().map(|(key, _)| key).collect()),
            Self::Str(_) | Self::Atom(_) => None,
        }
    }
}

/// The decimal digits of an integer token such as `0xff` or `1_000`.
#[must_use]
pub fn decimal(token: &str) -> String {
    let token: String = token
        .chars()
        .filter(|c| *c != '_')
        .collect::<String>()
        .to_ascii_lowercase();
    let (digits, radix) = match token.get(..2) {
        Some("0x") => (&token[2..], 16),
        Some("0o") => (&token[2..], 8),
        Some("0b") => (&token[2..], 2),
        _ => return token.trim_start_matches('0').to_owned(),
    };
    number::rebase(digits, radix)
}
