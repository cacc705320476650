//! The last lines of a stream, for messages about a process that ended unexpectedly.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Keeps the last lines that were pushed.
#[derive(Debug)]
pub(crate) struct Tail {
    limit: usize,
    lines: Mutex<VecDeque<String>>,
}

impl Tail {
    /// Keeps up to `limit` lines.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, lines: Mutex::default() }
    }

    /// Adds a line; the oldest goes when there are too many.
    pub(crate) fn push(&self, line: &str) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == self.limit {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// A heading and the lines, indented; nothing if there are none.
    pub(crate) fn paragraph(&self, heading: &str) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return String::new();
        }
        lines.iter().fold(format!("\n{heading}:"), |text, line| text + "\n  " + line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_last_lines_only() {
        let tail = Tail::new(2);
        assert_eq!(tail.paragraph("last words"), "");
        ["a", "b", "c"].iter().for_each(|line| tail.push(line));
        insta::assert_snapshot!(tail.paragraph("last words").trim_start(), @r"
        last words:
          b
          c
        ");
    }
}
