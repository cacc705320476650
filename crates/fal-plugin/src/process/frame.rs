//! Frames: the length of a JSON object, the object, and an attachment whose length the object
//! names.

use std::io::{self, BufReader, Read, Write};

use super::message::Message;

/// Maximum length of a frame's JSON, in bytes.
pub const MAX_MESSAGE: usize = 64 << 20;

/// Maximum length of a frame's attachment, in bytes.
pub const MAX_ATTACHMENT: usize = 1 << 30;

/// Why a stream gave no further frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream cannot be read.
    #[error("the stream cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The stream contains something other than a frame.
    #[error("text that is not a frame: `{start}`")]
    NoFrame {
        /// How it begins.
        start: String,
    },
    /// The frame is longer than frames may be.
    #[error("a frame with {what} of {size} bytes, where {limit} are allowed")]
    TooLarge {
        /// JSON or attachment.
        what: &'static str,
        /// Its length.
        size: u64,
        /// The maximum length.
        limit: usize,
    },
    /// The stream ended within a frame.
    #[error("the beginning of a frame, and no more")]
    Truncated,
    /// The frame's JSON is not a message.
    #[error("a frame without a message: {cause} in `{start}`")]
    NoMessage {
        /// What is wrong with it.
        cause: String,
        /// How it begins.
        start: String,
    },
}

/// Writes a frame in one piece. The message names the length of the attachment itself, if there is one.
///
/// # Errors
/// If the stream cannot be written, or the frame is too large.
pub fn write_frame(output: &mut impl Write, message: &[u8], attachment: &[u8]) -> io::Result<()> {
    if message.len() > MAX_MESSAGE || attachment.len() > MAX_ATTACHMENT {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the message is too large for a frame",
        ));
    }
    let length = u32::try_from(message.len()).map_err(io::Error::other)?;
    let mut start = Vec::with_capacity(4 + message.len() + attachment.len().min(SMALL));
    start.extend_from_slice(&length.to_be_bytes());
    start.extend_from_slice(message);
    // Write a small frame in one call, so that the reader wakes up only once.
    if attachment.len() <= SMALL {
        start.extend_from_slice(attachment);
        output.write_all(&start)?;
    } else {
        output.write_all(&start)?;
        output.write_all(attachment)?;
    }
    output.flush()
}

const SMALL: usize = 64 << 10;

/// Reads frames, one after the other.
#[derive(Debug)]
pub struct FrameReader<R> {
    input: BufReader<R>,
    message: Vec<u8>,
    attachment: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    /// Creates a reader of a stream.
    pub fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(SMALL, input),
            message: Vec::new(),
            attachment: Vec::new(),
        }
    }

    /// Returns the next message and its attachment; `None` at an orderly end.
    ///
    /// # Errors
    /// If the next bytes are not a frame. There is no way to find the next one.
    pub fn next_message(&mut self) -> Result<Option<(Message<'_>, &[u8])>, FrameError> {
        let Some(length) = self.length()? else {
            return Ok(None);
        };
        fill(&mut self.input, &mut self.message, length)?;
        let no_message = |cause: String| FrameError::NoMessage {
            cause,
            start: start_of(&self.message),
        };
        if self.message.first() != Some(&b'{') {
            return Err(no_message("it is no JSON object".to_owned()));
        }
        let message: Message<'_> =
            serde_json::from_slice(&self.message).map_err(|cause| no_message(cause.to_string()))?;
        let size = message.attachment.unwrap_or_default();
        let length = usize::try_from(size)
            .ok()
            .filter(|length| *length <= MAX_ATTACHMENT);
        let length = length.ok_or(FrameError::TooLarge {
            what: "an attachment",
            size,
            limit: MAX_ATTACHMENT,
        })?;
        fill(&mut self.input, &mut self.attachment, length)?;
        Ok(Some((message, &self.attachment)))
    }

    fn length(&mut self) -> Result<Option<usize>, FrameError> {
        let mut bytes = [0; 4];
        let mut got = 0;
        while got < bytes.len() {
            match self.input.read(&mut bytes[got..]) {
                Ok(0) if got == 0 => return Ok(None),
                // The text of a plugin that ended may be shorter than the length of a frame.
                Ok(0) => return Err(self.no_frame(&bytes[..got])),
                Ok(count) => got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        let length = u32::from_be_bytes(bytes) as usize;
        if length <= MAX_MESSAGE {
            return Ok(Some(length));
        }
        // Any text, read as a length, exceeds the limit.
        let text = bytes
            .iter()
            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte >= 0x80);
        if text {
            return Err(self.no_frame(&bytes));
        }
        Err(FrameError::TooLarge {
            what: "JSON",
            size: length as u64,
            limit: MAX_MESSAGE,
        })
    }

    fn no_frame(&self, read: &[u8]) -> FrameError {
        // Quote only what is in the buffer already, without waiting for more.
        let mut start = read.to_vec();
        start.extend_from_slice(self.input.buffer());
        FrameError::NoFrame {
            start: start_of(&start),
        }
    }
}

/// Reads `length` bytes. Memory grows with the bytes that arrive, so a wrong length cannot exhaust
/// it.
fn fill(input: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> Result<(), FrameError> {
    buffer.clear();
    // Shrink a buffer that one large frame has grown.
    buffer.shrink_to(length.max(SMALL * 16));
    input.take(length as u64).read_to_end(buffer)?;
    if buffer.len() == length {
        Ok(())
    } else {
        Err(FrameError::Truncated)
    }
}

fn start_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]);
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    let short: String = line.chars().take(80).collect();
    if short.len() < line.len() {
        format!("{short}…")
    } else {
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &str, attachment: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, message.as_bytes(), attachment).unwrap();
        bytes
    }

    fn error_of(bytes: &[u8]) -> String {
        FrameReader::new(bytes)
            .next_message()
            .unwrap_err()
            .to_string()
    }

    /// A stream that gives its bytes one at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn frames_are_read_as_they_were_written() {
        let large = vec![7; SMALL + 1];
        let mut bytes = framed(r#"{"id": 1, "ok": null}"#, b"");
        bytes.extend(framed(
            r#"{"id": 2, "method": "parse", "attachment": 3}"#,
            b"abc",
        ));
        bytes.extend(framed(
            &format!(r#"{{"id": 3, "attachment": {}}}"#, large.len()),
            &large,
        ));
        let mut reader = FrameReader::new(Slowly(&bytes));
        let (message, attachment) = reader.next_message().unwrap().unwrap();
        assert_eq!(
            (message.id, message.ok.unwrap().get(), attachment.len()),
            (Some(1), "null", 0)
        );
        let (message, attachment) = reader.next_message().unwrap().unwrap();
        assert_eq!(
            (message.id, message.ok.is_none(), attachment),
            (Some(2), true, &b"abc"[..])
        );
        let (_, attachment) = reader.next_message().unwrap().unwrap();
        assert_eq!(attachment, large);
        assert!(reader.next_message().unwrap().is_none());
    }

    #[test]
    fn what_is_no_frame_is_named() {
        assert_eq!(
            error_of(b"Loading the model...\nready"),
            "text that is not a frame: `Loading the model...`"
        );
        assert_eq!(error_of(b"\nok"), "text that is not a frame: `ok`");
        assert_eq!(error_of("…".as_bytes()), "text that is not a frame: `…`");
        assert_eq!(
            error_of(&[255, 0, 0, 1]),
            "a frame with JSON of 4278190081 bytes, where 67108864 are allowed"
        );
        assert_eq!(
            error_of(&[0, 0, 0, 9, b'{']),
            "the beginning of a frame, and no more"
        );
        assert_eq!(
            error_of(&framed("[1]", b"")),
            "a frame without a message: it is no JSON object in `[1]`"
        );
        assert!(
            error_of(&framed(r#"{"id": 1, "attachment": 2000000000}"#, b""))
                .contains("an attachment of 2000000000")
        );
    }
}
