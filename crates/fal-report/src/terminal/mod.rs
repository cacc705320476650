//! A run on the terminal, in dbt's spirit: a line when a node starts and one when it ends, what models print, a summary.

mod bar;
mod clean;
pub(crate) mod ending;
pub(crate) mod line;

#[cfg(test)]
mod tests;

use std::io::{self, Write};

use fal_plugin::payload::{LogLevel, NodeResult, NodeStatus};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::diagnostic::render_problem;
use crate::event::{EventKind, RunEvent, RunInfo, SkipCause, Summary};
use crate::node::NodeInfo;
use crate::printed::shortened;
use crate::reporter::{Reporter, Sink};
use crate::theme::Theme;

pub use bar::Bar;
use clean::clean;
use ending::Ending;
use line::{Lines, count, counts};

/// Maximum number of stubs listed without `--debug`.
const STUBS_LISTED: usize = 20;

/// Maximum length of a message, in characters.
const LONGEST_MESSAGE: usize = 8000;
/// Where to find the full text of a message that is not about the end of a node.
const IN_EVENTS: &str = "; target/fal/events.jsonl has all of it";
/// Where to find the full message of a node's end.
const IN_RESULTS: &str = "; run_results.json has all of it";

/// How a run is shown.
#[derive(Clone, Debug)]
pub struct TerminalOptions {
    /// Colours on the first writer.
    pub out: Theme,
    /// Colours on the second writer.
    pub err: Theme,
    /// Columns of the terminal; `None` if there is no terminal.
    pub width: Option<usize>,
    /// `--quiet`: only errors.
    pub quiet: bool,
    /// `--debug`: debug messages too.
    pub debug: bool,
    /// Time zone of the shown times.
    pub time_zone: TimeZone,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        let time_zone = TimeZone::system();
        Self {
            out: Theme::PLAIN,
            err: Theme::PLAIN,
            width: None,
            quiet: false,
            debug: false,
            time_zone,
        }
    }
}

/// Shows a run to a person.
pub struct TerminalReporter {
    out: Sink,
    err: Sink,
    options: TerminalOptions,
    lines: Lines,
    ending: Ending,
    bar: Option<Bar>,
}

impl TerminalReporter {
    /// Creates a reporter that writes lines about nodes to `out`, and warnings and problems to
    /// `err`.
    pub fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        options: TerminalOptions,
    ) -> Self {
        let lines = Lines {
            theme: options.out,
            width: options.width,
        };
        let (out, err) = (
            Sink::new(out, options.out.color),
            Sink::new(err, options.err.color),
        );
        Self {
            out,
            err,
            options,
            lines,
            ending: Ending::default(),
            bar: None,
        }
    }

    /// Shows this bar while nodes run, except under `--quiet`.
    #[must_use]
    pub fn with_bar(mut self, bar: Bar) -> Self {
        self.bar = Some(bar).filter(|_| !self.options.quiet);
        self
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.options.time_zone.clone())
            .strftime("%H:%M:%S")
            .to_string()
    }

    /// Writes the time and `text`. Further lines of `text` have no time.
    fn stamped(&self, at: Timestamp, text: &str) -> String {
        format!("{}  {}\n", self.clock(at), text.trim_end_matches('\n'))
    }

    fn print(&mut self, text: &str) {
        let out = &mut self.out;
        match &self.bar {
            Some(bar) => bar.above(|| out.write(text)),
            None => out.write(text),
        }
    }

    fn print_err(&mut self, text: &str) {
        let err = &mut self.err;
        match &self.bar {
            Some(bar) => bar.above(|| err.write(text)),
            None => err.write(text),
        }
    }

    /// Writes a line that `--quiet` hides.
    fn say(&mut self, at: Timestamp, text: &str) {
        if !self.options.quiet {
            let text = self.stamped(at, text);
            self.print(&text);
        }
    }

    fn run_started(&mut self, at: Timestamp, info: &RunInfo) {
        let versions = [
            format!("fal-host {}", info.version),
            with(&info.dbt_version, "dbt"),
        ]
        .into_iter()
        .chain([with(&info.adapter_version, &info.adapter)])
        .filter(|version| !version.is_empty())
        .collect::<Vec<_>>();
        self.say(at, &format!("Running with {}", versions.join(", ")));
        if !info.found.is_empty() {
            self.say(at, &format!("Found {}", counts(&info.found)));
        }
        let threads = count(u64::from(info.threads), "thread");
        self.say(
            at,
            &format!("Concurrency: {threads} (target='{}')", info.target_name),
        );
        if !self.options.quiet {
            self.print("\n");
        }
    }

    fn stubs_written(
        &mut self,
        at: Timestamp,
        written: &[String],
        removed: &[String],
        ignore_changed: bool,
    ) {
        let listed = if self.options.debug {
            usize::MAX
        } else {
            STUBS_LISTED
        };
        for path in written.iter().take(listed) {
            self.say(at, &format!("Wrote stub {path}"));
        }
        for path in removed.iter().take(listed) {
            self.say(at, &format!("Removed stub {path}: its model is gone"));
        }
        let more = written.len().saturating_sub(listed) + removed.len().saturating_sub(listed);
        if more > 0 {
            self.say(at, &format!("... and {}", count(more as u64, "more stub")));
        }
        if ignore_changed {
            self.say(at, "Updated .dbtignore");
        }
    }

    /// Shows the end of a hook if it failed or under `--debug`. Otherwise a hook shows
    /// in its model's line.
    fn hook_finished(&mut self, at: Timestamp, node: &NodeInfo, result: &NodeResult) {
        if result.status.is_failure() {
            let line = self.lines.finished((0, 0), node, result);
            let line = self.stamped(at, &line);
            self.print(&line);
        } else if self.options.debug {
            let line = self.lines.finished((0, 0), node, result);
            self.say(at, &line);
        }
    }

    fn skipped(&mut self, at: Timestamp, place: (u64, u64), node: &NodeInfo, cause: &SkipCause) {
        self.ending.skipped(node, cause);
        // These two skip all remaining nodes, which the summary counts instead of listing each.
        if !matches!(cause, SkipCause::FailFast | SkipCause::Interrupted) {
            let line = self.lines.skipped(place, node, cause);
            self.say(at, &line);
        }
    }

    fn output(&mut self, at: Timestamp, name: &str, line: &str) {
        let name = self.lines.theme.cyan(name);
        let line = clean(line, self.options.out.color);
        self.say(at, format!("{name} | {line}").trim_end());
    }

    fn log(&mut self, at: Timestamp, level: LogLevel, message: &str) {
        let theme = self.options.err;
        let message = shortened(message, LONGEST_MESSAGE, IN_EVENTS);
        match level {
            LogLevel::Debug if !self.options.debug => {}
            LogLevel::Debug | LogLevel::Info => {
                self.say(at, &clean_lines(&message, self.options.out.color))
            }
            LogLevel::Warn if self.options.quiet => {}
            LogLevel::Warn => self.alert(at, &theme.yellow("[WARNING]"), &message),
            LogLevel::Error => self.alert(at, &theme.red("[ERROR]"), &message),
        }
    }

    fn alert(&mut self, at: Timestamp, tag: &str, message: &str) {
        let tagged = ["[WARNING]", "[ERROR]"]
            .iter()
            .any(|tag| clean(message, false).starts_with(tag));
        let message = clean_lines(message, self.options.err.color);
        let text = if tagged {
            message
        } else {
            format!("{tag}: {message}")
        };
        let text = self.stamped(at, &text);
        self.print_err(&text);
    }

    fn run_finished(&mut self, at: Timestamp, summary: &Summary, elapsed: f64) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        let ending = std::mem::take(&mut self.ending);
        for (text, even_quiet) in ending.paragraphs(self.options.out, summary, elapsed) {
            match text.as_str() {
                _ if self.options.quiet && !even_quiet => {}
                "" => self.print("\n"),
                text => {
                    let text = self.stamped(at, text);
                    self.print(&text);
                }
            }
        }
    }
}

impl Reporter for TerminalReporter {
    fn event(&mut self, event: &RunEvent) {
        let at = event.at;
        if let Some(bar) = &self.bar {
            bar.event(&event.kind);
        }
        match &event.kind {
            EventKind::RunStarted { info } => self.run_started(at, info),
            EventKind::StubsWritten {
                written,
                removed,
                ignore_changed,
                ..
            } => {
                self.stubs_written(at, written, removed, *ignore_changed);
            }
            EventKind::Problem { problem } => {
                if !self.options.quiet || problem.is_error() {
                    let text = render_problem(problem, self.options.err, self.options.width);
                    self.print_err(&(text + "\n"));
                }
            }
            EventKind::NodeStarted { index, total, node } => {
                let line = self.lines.started((*index, *total), node);
                self.say(at, &line);
            }
            EventKind::NodeOutput { name, line, .. } => self.output(at, name, line),
            EventKind::NodeFinished {
                index,
                total,
                node,
                result,
                ..
            } => {
                self.ending.finished(node, result);
                let line = self.lines.finished((*index, *total), node, result);
                if !self.options.quiet
                    || matches!(result.status, NodeStatus::Error | NodeStatus::Fail)
                {
                    let line = self.stamped(at, &line);
                    self.print(&line);
                }
            }
            EventKind::HookFinished { node, result, .. } => self.hook_finished(at, node, result),
            EventKind::NodeSkipped {
                index,
                total,
                node,
                cause,
            } => self.skipped(at, (*index, *total), node, cause),
            EventKind::Log { level, message, .. } => self.log(at, *level, message),
            EventKind::Error(error) => {
                let text = error.render(self.options.err);
                self.print_err(&text);
            }
            EventKind::Interrupted { running } => {
                self.ending.interrupted();
                let line = self.lines.interrupted(running);
                self.say(at, &line);
            }
            EventKind::RunFinished { summary, elapsed } => self.run_finished(at, summary, *elapsed),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        self.out.finish().and(self.err.finish())
    }
}

/// Returns `dbt 1.11.2`, or nothing without a version.
fn with(version: &str, name: &str) -> String {
    if version.is_empty() {
        String::new()
    } else {
        format!("{name} {version}")
    }
}

fn clean_lines(text: &str, keep_color: bool) -> String {
    text.lines()
        .map(|line| clean(line, keep_color))
        .collect::<Vec<_>>()
        .join("\n")
}
