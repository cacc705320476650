//! Values known without running the file, and how Python prints them.

mod number;
mod text;

use std::fmt;

pub(crate) use number::{complex, float};
pub(crate) use text::{bytes, string};

/// A value known without running the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Str(String),
    /// Any other value that is one token, as it is printed.
    Atom(String),
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Set(Vec<Value>),
    Dict(Vec<(Value, Value)>),
}

impl Value {
    /// Returns the text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::Str(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// Returns the result of `str()`, for simple values.
    pub(crate) fn display(&self) -> String {
        self.as_str()
            .map_or_else(|| self.to_string(), str::to_owned)
    }

    /// Returns the items that iterating over it gives.
    pub(crate) fn items(self) -> Option<Vec<Value>> {
        match self {
            Self::List(all) | Self::Tuple(all) | Self::Set(all) => Some(all),
            Self::Dict(pairs) => Some(pairs.into_iter().map(|(key, _)| key).collect()),
            Self::Str(_) | Self::Atom(_) => None,
        }
    }
}

/// Prints a value as `ast.unparse` does.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(&string(text)),
            Self::Atom(text) => f.write_str(text),
            Self::List(items) => sequence(f, "[", items, "]"),
            Self::Tuple(items) => {
                sequence(f, "(", items, if items.len() == 1 { ",)" } else { ")" })
            }
            Self::Set(items) if items.is_empty() => f.write_str("{*()}"),
            Self::Set(items) => sequence(f, "{", items, "}"),
            Self::Dict(pairs) => dict(f, pairs),
        }
    }
}

fn sequence(f: &mut fmt::Formatter<'_>, open: &str, items: &[Value], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (at, item) in items.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(f, "{comma}{item}")?;
    }
    f.write_str(close)
}

fn dict(f: &mut fmt::Formatter<'_>, pairs: &[(Value, Value)]) -> fmt::Result {
    f.write_str("{")?;
    for (at, (key, value)) in pairs.iter().enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(f, "{comma}{key}: {value}")?;
    }
    f.write_str("}")
}

/// Returns the decimal digits of an integer token such as `0xff` or `1_000`.
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
