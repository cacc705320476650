//! The last lines of a stream, for the message about a process that ended unexpectedly.

use std::{
    collections::VecDeque,
    io::Read,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use parking_lot::{Condvar, Mutex};

use crate::lines::{LONGEST, each_line};

/// Longest line that is kept, in characters.
const WIDTH: usize = 1000;

/// The last lines of a stream, and whether it has ended.
#[derive(Debug)]
pub struct Tail {
    limit: usize,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    ended: bool,
}

impl Tail {
    /// An empty tail that keeps up to `limit` lines.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            state: Mutex::default(),
            ended: Condvar::new(),
        }
    }

    /// Adds a line and drops the oldest one if there are too many. Leaves blank lines out; keeps the start of a long one.
    pub fn push(&self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        let lines = &mut self.state.lock().lines;
        if lines.len() == self.limit {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(WIDTH).collect());
    }

    /// Reads a stream to its end on a thread: adds each line, and hands it to `each`.
    pub fn follow(
        self: &Arc<Self>,
        stream: Option<impl Read + Send + 'static>,
        mut each: impl FnMut(&str) + Send + 'static,
    ) -> JoinHandle<()> {
        let tail = Arc::clone(self);
        thread::spawn(move || {
            if let Some(stream) = stream {
                each_line(stream, LONGEST, |line| {
                    tail.push(&line);
                    each(&line);
                });
            }
            tail.state.lock().ended = true;
            tail.ended.notify_all();
        })
    }

    /// Waits until a stream that is followed has ended, but no longer than `deadline`. The last lines of a process that has
    /// ended may still be in the pipe; a process that it left behind may keep the stream open for good.
    pub fn wait_end(&self, deadline: Instant) {
        let mut state = self.state.lock();
        self.ended
            .wait_while_until(&mut state, |state| !state.ended, deadline);
    }

    /// The lines.
    pub fn lines(&self) -> Vec<String> {
        self.state.lock().lines.iter().cloned().collect()
    }

    /// A heading and the lines, indented; nothing if there are none.
    pub fn paragraph(&self, heading: &str) -> String {
        let lines = &self.state.lock().lines;
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
        assert_eq!(tail.lines(), ["b", "c"]);
        assert_eq!(tail.paragraph("last words"), "\nlast words:\n  b\n  c");
        tail.push(&"x".repeat(5000));
        assert_eq!(
            tail.paragraph("last words").len(),
            "\nlast words:\n  c\n  ".len() + 1000
        );
    }
}
