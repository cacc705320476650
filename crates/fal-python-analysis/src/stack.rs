//! Keeps deeply nested files from overflowing the stack.

use fal_plugin::{ParseError, payload::Diagnostic};

use crate::{position::Lines, syntax::problem};

/// What one level of nesting may need, through parser, lowering, analysis and drop.
const FRAME: usize = if cfg!(debug_assertions) { 8 * 1024 } else { 2 * 1024 };
/// Levels that fit into what a thread has left at any rate.
const PLENTY: usize = 100;
/// The most stack that is asked for.
const MOST: usize = 1 << 30;

/// Runs a parse with a stack that is large enough for the text.
///
/// # Errors
/// If the text could need more than can be had, with a diagnostic for the user.
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
    problem(&lines, "python::too_large", "this file is too large or too deeply nested to be analysed", 0, 0)
}

/// No tree is deeper than this: each level takes at least one operator, bracket or space in the text.
fn levels(text: &str) -> usize {
    let mut levels = 0;
    let mut space = false;
    for byte in text.bytes() {
        let class = CLASSES[usize::from(byte)];
        levels += usize::from(class != Class::Word && !(class == Class::Space && space));
        space = class == Class::Space;
    }
    levels
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Word,
    Space,
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..=0xff => Class::Word,
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => Class::Space,
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
    }

    #[test]
    fn a_hopeless_text_is_refused() {
        let text = "[".repeat(MOST / FRAME + 1);
        let ParseError::Syntax(diagnostic) = with_stack(&text, || ()).unwrap_err() else { panic!("no diagnostic") };
        assert_eq!(diagnostic.code, "python::too_large");
    }
}
