//! This crate's own errors, and how any error is shown to the user.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use crate::printed::shortened;
use crate::theme::Theme;

/// Longest message of one error, in characters.
const LONGEST: usize = 8000;

/// What can go wrong while reports are written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is not valid", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A value cannot be written as JSON.
    #[error("cannot write {what} as JSON")]
    Encode {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A recorded stream of events cannot be read.
    #[error("cannot read the recorded events at line {line}")]
    Stream {
        /// Line, from 1.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A line of a recorded stream is no event.
    #[error("line {line} of the recorded events is not an event")]
    Event {
        /// Line, from 1.
        line: u64,
        /// Why.
        source: serde_json::Error,
    },
    /// A recorded stream is of a later version.
    #[error(
        "line {line} of the recorded events has version {found}; this program reads up to {known}"
    )]
    EventVersion {
        /// Line, from 1.
        line: u64,
        /// Its version.
        found: u64,
        /// The version known here.
        known: u32,
    },
}

impl ReportError {
    /// Stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "report::read",
            Self::Write { .. } => "report::write",
            Self::Invalid { .. } => "report::invalid",
            Self::Encode { .. } => "report::encode",
            Self::Stream { .. } => "report::stream",
            Self::Event { .. } => "report::event",
            Self::EventVersion { .. } => "report::event_version",
        }
    }
}

/// An error for the user: what failed, then its causes indented, then what to do. Ends with a newline.
///
/// A cause that its error repeats word for word is not said twice.
pub fn render_error(error: &dyn Error, help: Option<&str>, theme: Theme) -> String {
    let mut text = String::new();
    let mut said = error.to_string();
    push_block(&mut text, "", &theme.strong_red("error:"), &said);
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        if !said.contains(&message) {
            push_block(&mut text, "  ", "caused by:", &message);
            said = message;
        }
        next = cause.source();
    }
    for line in help.iter().flat_map(|help| help.split("\n\n")) {
        push_block(&mut text, "", &theme.cyan("help:"), line);
    }
    text
}

/// `indent` + `head` + first line; further lines stand two columns deeper than the head.
fn push_block(text: &mut String, indent: &str, head: &str, message: &str) {
    let message = shortened(message.trim_end(), LONGEST, "");
    let mut lines = message.lines();
    let _ = writeln!(text, "{indent}{head} {}", lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(text, "{}", format!("{indent}  {line}").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{message}")]
    struct Outer {
        message: String,
        source: ReportError,
    }

    fn error(message: &str) -> Outer {
        let source = io::Error::other("permission denied\nby the folder");
        Outer {
            message: message.to_owned(),
            source: ReportError::Write {
                path: "target/fal/events.jsonl".into(),
                source,
            },
        }
    }

    #[test]
    fn causes_are_indented_and_the_help_comes_last() {
        let text = render_error(
            &error("the run cannot be recorded"),
            Some("choose another `--target-path`"),
            Theme::PLAIN,
        );
        insta::assert_snapshot!(text, @"
        error: the run cannot be recorded
          caused by: cannot write target/fal/events.jsonl
          caused by: permission denied
            by the folder
        help: choose another `--target-path`
        ");
    }

    #[test]
    fn a_cause_is_not_said_twice() {
        let text = render_error(
            &error("failed: cannot write target/fal/events.jsonl"),
            None,
            Theme::PLAIN,
        );
        insta::assert_snapshot!(text, @"
        error: failed: cannot write target/fal/events.jsonl
          caused by: permission denied
            by the folder
        ");
    }

    #[test]
    fn colours_mark_heading_and_help() {
        let text = render_error(&io::Error::other("no"), Some("try"), Theme::COLOR);
        let text = crate::printed::printable(&text, true).replace('\u{1b}', "^");
        insta::assert_snapshot!(text, @"
        ^[31;1merror:^[0m no
        ^[36mhelp:^[0m try
        ");
    }
}
