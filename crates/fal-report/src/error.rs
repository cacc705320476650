//! This crate's own errors, and how the user sees any error that ends a command.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printed::shortened;
use crate::theme::Theme;

/// Maximum length of the message of one error, in characters.
const LONGEST: usize = 8000;

/// An error while writing or reading reports.
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
    /// A file has invalid content.
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
        /// The value's name.
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
    /// A line of a recorded stream is not an event.
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
        /// The latest version that this program knows.
        known: u32,
    },
}

impl ReportError {
    /// Returns the stable code.
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

/// An error that ended a command, as the user sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandError {
    /// Stable code, such as `dbt::parse`; none for mistakes in the command line.
    #[serde(default)]
    pub code: Option<String>,
    /// What failed.
    pub message: String,
    /// Its causes, the nearest first.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What to do.
    #[serde(default)]
    pub help: Option<String>,
}

impl CommandError {
    /// Describes an error. A cause that its error repeats word for word is left out.
    pub fn new(error: &dyn Error, code: Option<&str>, help: Option<&str>) -> Self {
        let message = error.to_string();
        let mut causes: Vec<String> = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !causes.last().unwrap_or(&message).contains(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        Self {
            code: code.map(str::to_owned),
            message,
            causes,
            help: help.map(str::to_owned),
        }
    }

    /// Renders the error for the terminal: what failed with its code, then its causes indented,
    /// then what to do. Ends with a newline.
    pub fn render(&self, theme: Theme) -> String {
        let mut text = String::new();
        let code = self.code.as_deref();
        let code = code.map(|code| format!(" {}", theme.dim(&format!("[{code}]"))));
        let head = (theme.strong_red("error:"), code.unwrap_or_default());
        push_block(&mut text, "", (&head.0, &head.1), &self.message);
        for cause in &self.causes {
            push_block(&mut text, "  ", ("caused by:", ""), cause);
        }
        for line in self.help.iter().flat_map(|help| help.split("\n\n")) {
            push_block(&mut text, "", (&theme.cyan("help:"), ""), line);
        }
        text
    }
}

/// Writes the first line between its head and its tail; indents further lines by two columns.
fn push_block(text: &mut String, indent: &str, (head, tail): (&str, &str), message: &str) {
    let message = shortened(message.trim_end(), LONGEST, "");
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(text, "{indent}{head} {first}{tail}");
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
        let error = error("the run cannot be recorded");
        let help = Some("choose another `--target-path`");
        let text = CommandError::new(&error, Some("run::record"), help).render(Theme::PLAIN);
        insta::assert_snapshot!(text, @"
        error: the run cannot be recorded [run::record]
          caused by: cannot write target/fal/events.jsonl
          caused by: permission denied
            by the folder
        help: choose another `--target-path`
        ");
    }

    #[test]
    fn a_cause_is_not_said_twice() {
        let error = error("failed: cannot write target/fal/events.jsonl");
        let text = CommandError::new(&error, None, None).render(Theme::PLAIN);
        insta::assert_snapshot!(text, @"
        error: failed: cannot write target/fal/events.jsonl
          caused by: permission denied
            by the folder
        ");
    }

    #[test]
    fn colours_mark_heading_code_and_help() {
        let error = CommandError::new(&io::Error::other("no"), Some("a::b"), Some("try"));
        let text = error.render(Theme::COLOR);
        let text = crate::printed::printable(&text, true).replace('\u{1b}', "^");
        insta::assert_snapshot!(text, @"
        ^[31;1merror:^[0m no ^[2m[a::b]^[0m
        ^[36mhelp:^[0m try
        ");
    }
}
