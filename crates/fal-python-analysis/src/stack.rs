//! Keeps deeply nested files from overflowing the stack.

use fal_plugin::{ParseError, payload::Diagnostic};

use crate::{position::Lines, syntax::problem};

/// What one level of nesting may need, through parser, lowering, analysis and drop.
const FRAME: usize = if cfg!(debug_assertions) {
    8 * 1024
} else {
    2 * 1024
};
/// The levels that always fit into a thread's remaining stack.
const PLENTY: usize = 100;
/// The largest stack that is requested.
const MOST: usize = 1 << 30;

/// Runs a parse with a stack that is large enough for the text.
///
/// # Errors
/// Returns a diagnostic for the user if the text could need more than that.
pub fn with_stack<T>(text: &str, work: impl FnOnce() -> T) -> Result<T, ParseError> {
    if u32::try_from(text.len()).is_err() {
        return Err(ParseError::Syntax(Box::new(too_large(text))));
    }
    let levels = levels(text);
    if levels <= PLENTY {
        return Ok(work());
    }
    let needed = levels * FRAME;
    if needed > MOST {
        return Err(ParseError::Syntax(Box::new(too_large(text))));
    }
    Ok(stacker::maybe_grow(needed, needed + (1 << 20), work))
}

fn too_large(text: &str) -> Diagnostic {
    let lines = Lines::new(text.lines().next().unwrap_or_default());
    problem(
        &lines,
        "python::too_large",
        "this file is too large or too deeply nested to be analysed",
        0,
        0,
    )
}

/// Returns an upper bound of the tree's depth: each level takes at least one operator, opening
/// bracket or space in the text. Elements of a list take none, so that a file of data does not
/// count as deep.
fn levels(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut levels = 0;
    let mut before = Class::Word;
    for (at, byte) in bytes.iter().enumerate() {
        let class = match CLASSES[usize::from(*byte)] {
            // After a token that takes no level, a space takes none either.
            Class::Space if before == Class::Flat => Class::Flat,
            Class::Other
                if *byte == b'.'
                    && is_digit(bytes, at.wrapping_sub(1))
                    && is_digit(bytes, at + 1) =>
            {
                Class::Word
            }
            class => class,
        };
        levels +=
            usize::from(class == Class::Other || (class == Class::Space && before != Class::Space));
        before = class;
    }
    levels
}

fn is_digit(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(u8::is_ascii_digit)
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Word,
    Space,
    Flat,
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Word,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => Class::Space,
            b',' => Class::Flat,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_counts() {
        assert_eq!(levels(""), 0);
        assert_eq!(levels("not not x"), 2);
        assert_eq!(levels("((-x))"), 5);
        assert_eq!(levels("a    \n\n  b"), 1);
        assert_eq!(levels("a, not b"), 1);
        assert_eq!(levels("a.b .c"), 3);
        assert_eq!(levels("'a'if'b'else'c'"), 6);
    }

    #[test]
    fn data_is_not_deep() {
        let rows = "1.5, 20, ann,\n".repeat(100_000);
        assert_eq!(levels(&rows), 0);
    }

    #[test]
    fn a_hopeless_text_is_refused() {
        let text = "[".repeat(MOST / FRAME + 1);
        let ParseError::Syntax(diagnostic) = with_stack(&text, || ()).unwrap_err() else {
            panic!("no diagnostic")
        };
        assert_eq!(diagnostic.code, "python::too_large");
    }
}
