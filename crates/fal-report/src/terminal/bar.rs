//! The live bar below the lines, which shows the run's progress and the running nodes.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fal_plugin::payload::NodeStatus;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use parking_lot::Mutex;
use unicode_width::UnicodeWidthChar as _;

use super::line::count;
use crate::event::{EventKind, SkipCause};
use crate::printed::printable;
use crate::theme::Theme;

/// Delay before the bar appears. A shorter run shows no bar.
const DELAY: Duration = Duration::from_millis(400);
/// Time between two redraws when nothing happens.
const TICK: Duration = Duration::from_millis(100);
/// Maximum number of redraws per second.
const FRAMES: u8 = 30;
/// Maximum number of nodes listed.
const LISTED: usize = 8;
const CELLS: usize = 24;

/// A bar on the terminal's last lines. A background thread draws it until the run ends.
pub struct Bar {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Bar {
    /// Creates a bar on standard error, `width` columns wide. It shows nothing if standard error is
    /// not a terminal.
    pub fn stderr(theme: Theme, width: usize) -> io::Result<Self> {
        Self::start(
            ProgressDrawTarget::stderr_with_hz(FRAMES),
            theme,
            width,
            DELAY,
        )
    }

    fn start(
        target: ProgressDrawTarget,
        theme: Theme,
        width: usize,
        delay: Duration,
    ) -> io::Result<Self> {
        let mut bar = Self::hidden(theme, width);
        let (stop, stopped) = mpsc::channel();
        let drawn = bar.bar.clone();
        let ticker = thread::Builder::new()
            .name("bar".to_owned())
            .spawn(move || {
                if stopped.recv_timeout(delay) == Err(RecvTimeoutError::Timeout) {
                    drawn.set_draw_target(target);
                    while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                        drawn.tick();
                    }
                }
            })?;
        bar.ticker = Some((stop, ticker));
        Ok(bar)
    }

    fn hidden(theme: Theme, width: usize) -> Self {
        let state = Arc::new(Mutex::new(State::new(Instant::now())));
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let shown = state.clone();
        let picture = move |_: &ProgressState, writer: &mut dyn std::fmt::Write| {
            let state = shown.lock();
            let _ = writer.write_str(&printable(
                &state.picture(Instant::now(), theme, width),
                theme.color,
            ));
        };
        // The template is a constant; should indicatif ever refuse it, its own style is shown.
        if let Ok(style) = ProgressStyle::with_template("{picture}") {
            bar.set_style(style.with_key("picture", picture));
        }
        Self {
            bar,
            state,
            ticker: None,
        }
    }

    /// Hides the bar while `write` runs.
    pub(super) fn above(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    pub(super) fn event(&self, event: &EventKind) {
        self.state.lock().event(event, Instant::now());
    }

    /// Removes the bar.
    pub(super) fn finish(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            // A ticker that panicked has stopped too.
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The content of the bar.
struct State {
    /// What happens until the nodes are known.
    step: Option<String>,
    begun: Instant,
    total: u64,
    done: u64,
    failed: u64,
    stopping: bool,
    running: Vec<Running>,
}

struct Running {
    unique_id: String,
    name: String,
    since: Instant,
}

impl State {
    fn new(begun: Instant) -> Self {
        Self {
            step: Some("Reading Python models".to_owned()),
            begun,
            total: 0,
            done: 0,
            failed: 0,
            stopping: false,
            running: Vec::new(),
        }
    }

    fn event(&mut self, event: &EventKind, now: Instant) {
        match event {
            EventKind::StubsWritten { .. } => self.step = Some("Starting dbt".to_owned()),
            EventKind::Log {
                name: Some(name),
                message,
                ..
            } if name == "MainReportVersion" => {
                // "Running with dbt=1.11.4".
                let version = message.rsplit('=').next().unwrap_or_default();
                let version = printable(version, false);
                // It may come when the nodes are known, too.
                if let Some(step) = &mut self.step {
                    *step = format!("dbt {version} reads the project");
                }
            }
            EventKind::RunStarted { info } => {
                self.step = None;
                self.total = info.total;
            }
            EventKind::NodeStarted { total, node, .. } => {
                self.step = None;
                self.total = *total;
                let (unique_id, name) = (node.unique_id.clone(), printable(&node.name, false));
                self.running.push(Running {
                    unique_id,
                    name,
                    since: now,
                });
            }
            EventKind::NodeFinished {
                index,
                node,
                result,
                ..
            } => {
                self.running
                    .retain(|running| running.unique_id != node.unique_id);
                self.done += u64::from(*index > 0);
                self.failed += u64::from(matches!(
                    result.status,
                    NodeStatus::Error | NodeStatus::Fail
                ));
            }
            EventKind::NodeSkipped {
                cause: SkipCause::Interrupted,
                ..
            } => {}
            EventKind::NodeSkipped { .. } => self.done += 1,
            EventKind::Interrupted { .. } => self.stopping = true,
            _ => {}
        }
    }

    fn picture(&self, now: Instant, theme: Theme, width: usize) -> String {
        let timed = |since, text: &str| {
            let seconds = now.saturating_duration_since(since).as_secs_f64();
            let text = cut(text, width.saturating_sub(10));
            format!("  {:>6} {text}", elapsed(seconds))
        };
        let stopping = if self.stopping { ", stopping" } else { "" };
        if let Some(step) = &self.step {
            return timed(self.begun, &format!("{step}{stopping}"));
        }
        let filled = usize::try_from(self.done * CELLS as u64 / self.total.max(1))
            .unwrap_or(CELLS)
            .min(CELLS);
        let cells = format!(
            "{}{}",
            theme.green(&"━".repeat(filled)),
            "─".repeat(CELLS - filled)
        );
        let mut text = format!("{cells} {}/{}", self.done, self.total);
        let failed = format!(", {} failed", self.failed);
        text.push_str(if self.failed > 0 { &failed } else { "" });
        text.push_str(stopping);
        for running in self.running.iter().take(LISTED) {
            text.push('\n');
            text.push_str(&timed(running.since, &running.name));
        }
        if self.running.len() > LISTED {
            let _ = write!(
                text,
                "\n         and {}",
                count((self.running.len() - LISTED) as u64, "more node")
            );
        }
        text
    }
}

/// Formats a duration: `4.1s`, `2m 05s`.
fn elapsed(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    format!(
        "{:.0}m {:02.0}s",
        (seconds / 60.0).floor(),
        (seconds % 60.0).floor()
    )
}

/// Returns the beginning of `text` that fits into `width` columns. A line that wraps would not be
/// erased completely.
fn cut(text: &str, width: usize) -> String {
    let mut left = width;
    let fits = |char: &char| match left.checked_sub(char.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).collect()
}

#[cfg(test)]
mod tests;
