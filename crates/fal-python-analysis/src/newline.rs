//! Line ends: Python reads `\r\n` and `\r` as `\n`, in strings too, but not every parser does.

use std::borrow::Cow;

/// A text with `\n` as its only line end, and the mapping back to the offsets of the original.
#[derive(Debug)]
pub struct Newlines<'t> {
    text: Cow<'t, str>,
    /// Offsets of each `\n` that was `\r\n`.
    shortened: Vec<u32>,
}

impl<'t> Newlines<'t> {
    /// Copies the text only if it has other line ends.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        if !text.contains('\r') {
            return Self {
                text: Cow::Borrowed(text),
                shortened: Vec::new(),
            };
        }
        let mut out = String::with_capacity(text.len());
        let mut shortened = Vec::new();
        let mut parts = text.split('\r');
        out += parts.next().unwrap_or_default();
        for part in parts {
            if part.starts_with('\n') {
                shortened.push(out.len() as u32);
            } else {
                out.push('\n');
            }
            out += part;
        }
        Self {
            text: Cow::Owned(out),
            shortened,
        }
    }

    /// Returns the text to parse.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Maps an offset back into the original text.
    #[must_use]
    pub fn original(&self, offset: u32) -> u32 {
        offset + self.shortened.partition_point(|at| *at < offset) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back() {
        let original = "a\r\nb\rc\n\r\n\rd";
        let newlines = Newlines::new(original);
        assert_eq!(newlines.text(), "a\nb\nc\n\n\nd");
        for letter in ["a", "b", "c", "d"] {
            let at = newlines.text().find(letter).unwrap() as u32;
            assert_eq!(
                newlines.original(at) as usize,
                original.find(letter).unwrap(),
                "{letter}"
            );
        }
        assert_eq!(
            newlines.original(1),
            1,
            "the end of a line is before its `\\r`"
        );
        assert_eq!(
            newlines.original(newlines.text().len() as u32) as usize,
            original.len()
        );
    }
}
