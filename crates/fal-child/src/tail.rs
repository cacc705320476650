//! The last lines of a stream, for the message about a process that ended unexpectedly.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// Longest line, in characters.
const LONGEST: usize = 1000;

/// Keeps the last lines that were pushed.
#[derive(Debug)]
pub struct Tail {
    limit: usize,
    lines: Mutex<VecDeque<String>>,
}

impl Tail {
    /// Keeps up to `limit` lines.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            lines: Mutex::default(),
        }
    }

    /// Adds a line, the oldest going when there are too many. Blank ones say nothing and are left out; of a long one the
    /// start is kept.
    pub fn push(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.lines.lock();
        if lines.len() == self.limit {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LONGEST).collect());
    }

    /// A heading and the lines, indented; nothing if there are none.
    pub fn paragraph(&self, heading: &str) -> String {
        let lines = self.lines.lock();
        if lines.is_empty() {
            return String::new();
        }
        lines
            .iter()
            .fold(format!("\n{heading}:"), |text, line| text + "\n  " + line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_only() {
        let tail = Tail::new(2);
        assert_eq!(tail.paragraph("last words"), "");
        ["a", "b", "  ", "c"]
            .iter()
            .for_each(|line| tail.push(line));
        assert_eq!(tail.paragraph("last words"), "\nlast words:\n  b\n  c");
        tail.push(&"x".repeat(5000));
        assert_eq!(
            tail.paragraph("last words").len(),
            "\nlast words:\n  c\n  ".len() + 1000
        );
    }
}
