//! Values as `ast.unparse` prints them.

use std::fmt;

use super::{Value, string};

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
