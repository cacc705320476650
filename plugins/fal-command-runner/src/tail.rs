//! The last lines that a command wrote, for the message about its end.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

const LINES: usize = 20;
/// Longest line, in characters.
const LONGEST: usize = 1000;

/// Keeps the last lines.
#[derive(Debug, Default)]
pub(crate) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    /// Adds a line; blank ones say nothing.
    pub(crate) fn push(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LONGEST).collect());
    }

    /// The lines below a heading, indented; nothing if there are none.
    pub(crate) fn paragraph(&self, heading: &str) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        let tail = Tail::default();
        assert_eq!(tail.paragraph("last words"), "");
        (0..30).for_each(|number| tail.push(&format!("line {number}")));
        tail.push("");
        tail.push(&"x".repeat(5000));
        let text = tail.paragraph("last words");
        assert!(text.starts_with("\nlast words:\n  line 11\n") && text.len() < 1300, "{text}");
    }
}
