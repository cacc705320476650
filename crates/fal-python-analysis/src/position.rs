//! Lines and columns of byte offsets.

use std::cell::OnceCell;

use fal_plugin::payload::{Position, Span};

/// The number of bytes after which the count of characters is stored.
const BLOCK: usize = 1024;

/// Finds the line and column of offsets into a text. Lines end in `\n`, `\r\n` or `\r`, as Python
/// reads them.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<u32>,
    ascii: bool,
    /// The characters before each block: lines may be long, and callers may ask for many places.
    blocks: OnceCell<Vec<u32>>,
}

impl<'t> Lines<'t> {
    /// Reads the text once.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = Vec::with_capacity(text.len() / 32 + 1);
        starts.push(0);
        for (at, byte) in bytes.iter().enumerate() {
            let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
            if ends {
                starts.push(at as u32 + 1);
            }
        }
        Self {
            text,
            starts,
            ascii: text.is_ascii(),
            blocks: OnceCell::new(),
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Returns the text between two offsets; empty if they do not fit the text.
    #[must_use]
    pub fn slice(&self, start: u32, end: u32) -> &'t str {
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Returns the line and column of an offset. Offsets behind the text or within a character are
    /// moved back.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let offset = self.clamp(offset);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.characters(offset) - self.characters(self.starts[line]);
        Position {
            line: line as u32 + 1,
            column: column + 1,
        }
    }

    /// Returns the span between two offsets.
    #[must_use]
    pub fn span(&self, start: u32, end: u32) -> Span {
        let start = self.clamp(start);
        let end = self.clamp(end).max(start);
        Span {
            start,
            end,
            from: self.position(start),
            to: self.position(end),
        }
    }

    /// Returns the number of characters before an offset.
    fn characters(&self, offset: u32) -> u32 {
        if self.ascii {
            return offset;
        }
        let bytes = self.text.as_bytes();
        let blocks = self.blocks.get_or_init(|| {
            let mut blocks = vec![0];
            for block in bytes.chunks(BLOCK) {
                blocks.push(blocks[blocks.len() - 1] + count(block));
            }
            blocks
        });
        let block = offset as usize / BLOCK;
        blocks[block] + count(&bytes[block * BLOCK..offset as usize])
    }

    fn clamp(&self, offset: u32) -> u32 {
        let mut at = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at as u32
    }
}

/// Counts the first bytes of characters.
fn count(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| (**byte as i8) >= -0x40).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lines: &Lines<'_>, offset: u32) -> (u32, u32) {
        let position = lines.position(offset);
        (position.line, position.column)
    }

    #[test]
    fn columns_count_characters() {
        let lines = Lines::new("é = 'ü'\nx");
        assert_eq!(at(&lines, 0), (1, 1));
        assert_eq!(at(&lines, 2), (1, 2));
        assert_eq!(at(&lines, 1), (1, 1), "within a character");
        assert_eq!(at(&lines, 10), (2, 1));
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let lines = Lines::new("a\r\nb\rc\nd\x0ce");
        assert_eq!(at(&lines, 3), (2, 1));
        assert_eq!(at(&lines, 5), (3, 1));
        assert_eq!(at(&lines, 7), (4, 1));
        assert_eq!(at(&lines, 9), (4, 3));
    }

    #[test]
    fn long_lines_are_counted_in_blocks() {
        let text = format!("{}\n{}x", "é".repeat(BLOCK + 7), "a€".repeat(3 * BLOCK));
        let lines = Lines::new(&text);
        assert_eq!(at(&lines, text.len() as u32), (2, 6 * BLOCK as u32 + 2));
        assert_eq!(at(&lines, 2 * (BLOCK as u32 + 7)), (1, BLOCK as u32 + 8));
    }

    #[test]
    fn offsets_behind_the_text_are_its_end() {
        let lines = Lines::new("ab");
        let span = lines.span(1, 99);
        assert_eq!((span.start, span.end, span.to.column), (1, 2, 3));
        assert_eq!(lines.span(2, 0).end, 2);
    }
}
