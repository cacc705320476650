//! Where a command writes: the only place that touches the standard streams. All text passes the filter
//! of [`Printer`].

#![expect(clippy::disallowed_methods, reason = "the one printer")]

use std::{
    env, error,
    io::{self, IsTerminal},
};

use fal_plugin::payload::LogLevel;
use fal_report::{
    Bar, CommandError, EventKind, GithubReporter, JsonReporter, Printer, Reporter, Reporters,
    RunEvent, SourceProblem, TerminalOptions, TerminalReporter, Theme, render_problems,
};
use jiff::Timestamp;

use crate::args::{GlobalArgs, LogFormat};

/// The streams of this process and how to write to them.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    format: LogFormat,
    quiet: bool,
    debug: bool,
    color: bool,
    /// `--printer-width`.
    columns: Option<usize>,
    /// Without log lines.
    unlogged: bool,
}

impl Output {
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let color =
            global.wants_color() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let unlogged = global.legacy.disable_logging;
        Self {
            format: global.log_format,
            quiet: global.is_quiet(),
            debug: global.is_debug(),
            columns: global.printer_width,
            color,
            unlogged,
        }
    }

    /// Writes data, for programs and people.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        data(text, false)
    }

    /// Writes text that was rendered with [`out_theme`](Self::out_theme).
    pub(crate) fn themed_data(&self, text: &str) -> io::Result<()> {
        data(text, self.out_theme().color)
    }

    /// Shows what the command did; not under `--quiet` and `--disable-logging`.
    pub(crate) fn status(&self, text: &str) {
        if !self.quiet && !self.unlogged {
            self.stderr(&format!("{text}\n"));
        }
    }

    pub(crate) fn problems(&self, problems: &[SourceProblem]) {
        match self.format {
            LogFormat::Text => {
                self.stderr(&render_problems(problems, self.err_theme(), self.width()))
            }
            LogFormat::Json => stderr(&(fal_report::problems_json(problems) + "\n"), false),
        }
    }

    /// Shows an error that ends the command. As JSON it is one more event, on the stream of the others.
    pub(crate) fn error(&self, error: &dyn error::Error, code: Option<&str>, help: Option<&str>) {
        let error = CommandError::new(error, code, help);
        match self.format {
            LogFormat::Text => self.stderr(&error.render(self.err_theme())),
            LogFormat::Json => {
                let event = RunEvent::new(Timestamp::now(), EventKind::Error(error));
                self.json().event(&event);
            }
        }
    }

    /// Theme of standard output.
    pub(crate) fn out_theme(&self) -> Theme {
        Theme {
            color: self.color && io::stdout().is_terminal(),
        }
    }

    fn err_theme(&self) -> Theme {
        Theme {
            color: self.color && io::stderr().is_terminal(),
        }
    }

    /// Columns of the terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        if self.columns.is_some() {
            return self.columns;
        }
        let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stderr())?;
        Some(usize::from(width))
    }

    /// Returns the reporters that show a run.
    pub(crate) fn reporters(&self) -> Reporters {
        let reporters = Reporters::new();
        match (self.format, self.unlogged) {
            (LogFormat::Json, false) => reporters.add(self.json()),
            (LogFormat::Json, true) => reporters.add(WithoutLog(self.json())),
            (LogFormat::Text, false) => reporters.add(self.terminal()),
            (LogFormat::Text, true) => reporters.add(WithoutLog(self.terminal())),
        }
        let on_github = env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        if on_github && self.format == LogFormat::Text {
            reporters.add(GithubReporter::new(Box::new(io::stdout())));
        }
        reporters
    }

    /// Returns the reporters of a run whose nodes are not shown unless they fail.
    pub(crate) fn reporters_of_failures(&self) -> Reporters {
        let reporters = Reporters::new();
        reporters.add(Failures {
            shown: self.reporters(),
            has_failed: false,
        });
        reporters
    }

    /// Whether log lines are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Whether only errors and data are shown.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    fn json(&self) -> JsonReporter {
        let least = match (self.debug, self.quiet) {
            (true, _) => LogLevel::Debug,
            (_, true) => LogLevel::Error,
            _ => LogLevel::Info,
        };
        JsonReporter::new(Box::new(io::stdout()), "").at_least(least)
    }

    fn terminal(&self) -> TerminalReporter {
        let width = self.width();
        let options = TerminalOptions {
            out: self.out_theme(),
            err: self.err_theme(),
            width: if io::stdout().is_terminal() {
                width
            } else {
                self.columns
            },
            quiet: self.quiet,
            debug: self.debug,
            ..TerminalOptions::default()
        };
        let reporter =
            TerminalReporter::new(Box::new(io::stdout()), Box::new(io::stderr()), options);
        let bar = if io::stderr().is_terminal() {
            width
        } else {
            None
        };
        // A run does without its bar.
        match bar.and_then(|width| Bar::stderr(self.err_theme(), width).ok()) {
            Some(bar) => reporter.with_bar(bar),
            None => reporter,
        }
    }

    fn stderr(&self, text: &str) {
        stderr(text, self.err_theme().color);
    }
}

fn data(text: &str, themed: bool) -> io::Result<()> {
    match Printer::new(Box::new(io::stdout()), themed).print(text) {
        // The reader had enough (`fal-host ls | head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn stderr(text: &str, themed: bool) {
    // There is nowhere left to say that standard error is gone.
    let _ = Printer::new(Box::new(io::stderr()), themed).print(text);
}

/// A reporter for `--disable-logging`: it passes on results, the output of models, problems and errors,
/// and drops log lines.
struct WithoutLog<R>(R);

impl<R: Reporter> Reporter for WithoutLog<R> {
    fn event(&mut self, event: &RunEvent) {
        if !is_log(&event.kind) {
            self.0.event(event);
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.finish()
    }
}

/// Passes on what is not about a node that runs well.
struct Failures {
    shown: Reporters,
    has_failed: bool,
}

impl Reporter for Failures {
    fn event(&mut self, event: &RunEvent) {
        let is_shown = match &event.kind {
            EventKind::NodeStarted { .. } => false,
            EventKind::NodeFinished { result, .. } => {
                let failed = result.status.is_failure();
                self.has_failed |= failed;
                failed
            }
            EventKind::RunFinished { .. } => self.has_failed,
            _ => true,
        };
        if is_shown {
            self.shown.event(event);
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.shown.finish()
    }
}

fn is_log(kind: &EventKind) -> bool {
    match kind {
        EventKind::Log { level, .. } => *level != LogLevel::Error,
        EventKind::StubsWritten { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use fal_report::Reporters;
    use jiff::Timestamp;

    use super::*;

    struct Count(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

    impl Reporter for Count {
        fn event(&mut self, event: &RunEvent) {
            let EventKind::Log { message, .. } = &event.kind else {
                return;
            };
            self.0.lock().unwrap().push(message.clone());
        }
    }

    #[test]
    fn errors_pass_and_other_lines_do_not() {
        let seen = std::sync::Arc::default();
        let reporters = Reporters::new();
        reporters.add(WithoutLog(Count(std::sync::Arc::clone(&seen))));
        for (level, message) in [
            (LogLevel::Info, "a"),
            (LogLevel::Warn, "b"),
            (LogLevel::Error, "c"),
        ] {
            let kind = EventKind::Log {
                level,
                name: None,
                unique_id: None,
                message: message.to_owned(),
            };
            reporters.emit(Timestamp::UNIX_EPOCH, kind);
        }
        assert_eq!(*seen.lock().unwrap(), ["c"]);
    }
}
