//! The exit code and output of a program.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

/// A program that ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// How long it ran, counted from the test's signal if there was one.
    pub took: Duration,
}

impl Ended {
    /// The exit code; -SIGNAL for a program that a signal ended.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| -self.status.signal().unwrap_or_default())
    }

    /// Fails, with the program's output, if the exit code is another.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code(), code, "wrong exit code\n{self}");
        self
    }

    /// Fails unless standard output or standard error has this text.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "{text:?} was not said\n{self}"
        );
        self
    }

    /// Fails if standard output or standard error has this text.
    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        assert!(
            !self.stdout.contains(text) && !self.stderr.contains(text),
            "{text:?} was said\n{self}"
        );
        self
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, took) = (self.code(), self.took);
        write!(
            f,
            "exit code {code} after {took:?}\n--- stdout\n{}\n--- stderr\n{}",
            tail(&self.stdout),
            tail(&self.stderr)
        )
    }
}

/// The end of the output, in case a model printed a lot.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(20_000);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
