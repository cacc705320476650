//! Standard error of a plugin: each line goes to the log, and the last ones are kept for errors.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Read},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

/// Lines that are kept.
const LINES: usize = 12;
/// Longest line that is kept.
const WIDTH: usize = 300;

/// The end of a stream.
#[derive(Default)]
pub(super) struct Tail {
    kept: Mutex<Kept>,
    ended: Condvar,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    ended: bool,
}

impl Tail {
    /// Reads the stream to its end on a thread of its own, and gives each line to `log`.
    pub(super) fn read(
        stream: impl Read + Send + 'static,
        log: impl Fn(&str) + Send + 'static,
    ) -> Arc<Self> {
        let tail = Arc::new(Self::default());
        let kept = Arc::clone(&tail);
        thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            // A line without end is cut, so that it cannot fill the memory.
            while reader
                .by_ref()
                .take(64 << 10)
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                if !text.is_empty() {
                    log(text);
                    kept.push(text);
                }
                line.clear();
            }
            kept.lock().ended = true;
            kept.ended.notify_all();
        });
        tail
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Kept> {
        self.kept.lock()
    }

    fn push(&self, line: &str) {
        let mut kept = self.lock();
        if kept.lines.len() == LINES {
            kept.lines.pop_front();
        }
        kept.lines.push_back(line.chars().take(WIDTH).collect());
    }

    /// The last lines. Of a process that has ended they may still be on their way: they are waited for, but not for long, as
    /// something that it left behind may hold the stream.
    pub(super) fn lines(&self, patience: Duration) -> Vec<String> {
        let mut kept = self.lock();
        self.ended
            .wait_while_for(&mut kept, |kept| !kept.ended, patience);
        kept.lines.iter().cloned().collect()
    }
}
