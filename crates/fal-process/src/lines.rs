//! Cuts a stream of bytes into lines with bounded memory.

use std::io::{BufRead, BufReader, Read};

/// Longest line that is worth passing on, in bytes.
pub const LONGEST: usize = 64 * 1024;

/// Calls `take` with each line of `input`, without its end, until the input ends or fails. What a line has beyond `limit` bytes is
/// dropped, with a note.
///
/// Bytes that are not UTF-8 are replaced.
pub fn each_line(input: impl Read, limit: usize, mut take: impl FnMut(String)) {
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut line = Line {
        limit,
        ..Line::default()
    };
    loop {
        let chunk = match input.fill_buf() {
            Ok([]) => break,
            Ok(chunk) => chunk,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let end = chunk.iter().position(|byte| *byte == b'\n');
        line.add(&chunk[..end.unwrap_or(chunk.len())]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            take(line.finish());
        }
    }
    if !line.is_empty() {
        take(line.finish());
    }
}

#[derive(Default)]
struct Line {
    limit: usize,
    bytes: Vec<u8>,
    dropped: usize,
}

impl Line {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = self.limit - self.bytes.len();
        let kept = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.dropped += bytes.len() - kept;
    }

    fn finish(&mut self) -> String {
        let text = if self.dropped > 0 {
            self.cut()
        } else {
            self.whole()
        };
        self.bytes.clear();
        self.dropped = 0;
        text
    }

    fn whole(&self) -> String {
        let bytes = self.bytes.strip_suffix(b"\r").unwrap_or(&self.bytes);
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The kept part, not ending within a character, and how much is gone.
    fn cut(&self) -> String {
        let end = match std::str::from_utf8(&self.bytes) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.bytes.len(),
        };
        let gone = self.dropped + self.bytes.len() - end;
        format!(
            "{} ... [{gone} more bytes]",
            String::from_utf8_lossy(&self.bytes[..end])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], limit: usize) -> Vec<String> {
        let mut found = Vec::new();
        each_line(input, limit, |line| found.push(line));
        found
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        assert_eq!(lines(b"a\n\nb\r\nc", 10), ["a", "", "b", "c"]);
        assert_eq!(lines(b"", 10), [] as [&str; 0]);
        assert_eq!(lines(b"\n", 10), [""]);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(
            lines("12ä45\nnext".as_bytes(), 3),
            ["12 ... [4 more bytes]", "nex ... [1 more bytes]"]
        );
    }

    #[test]
    fn broken_utf8_is_replaced() {
        assert_eq!(lines(b"a\xffb\n", 10), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_line_longer_than_memory_should_hold_is_dropped_while_it_comes() {
        let endless = std::io::repeat(b'x').take(50 << 20);
        let mut longest = 0;
        each_line(endless, LONGEST, |line| longest = longest.max(line.len()));
        assert_eq!(longest, LONGEST + " ... [52363264 more bytes]".len());
    }
}
