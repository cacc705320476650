//! The summary at the end of a run: how much ran, every failure in full, and the counts.

use std::collections::BTreeMap;

use fal_plugin::payload::{NodeResult, NodeStatus};

use super::line::{count, counts};
use super::{IN_RESULTS, LONGEST_MESSAGE, clean_lines};
use crate::event::{SkipCause, Summary};
use crate::node::NodeInfo;
use crate::printed::shortened;
use crate::theme::Theme;

/// The failures and other texts that the summary shows.
#[derive(Default)]
pub(crate) struct Ending {
    kinds: BTreeMap<String, u64>,
    failures: Vec<(NodeInfo, NodeResult)>,
    warnings: Vec<(NodeInfo, NodeResult)>,
    partial: u64,
    left_by_fail_fast: u64,
    left_by_interrupt: u64,
    interrupted: bool,
}

/// A text, and whether `--quiet` shows it too.
type Paragraph = (String, bool);

impl Ending {
    pub(crate) fn finished(&mut self, node: &NodeInfo, result: &NodeResult) {
        self.counted(node);
        let again = match result.status {
            NodeStatus::Error | NodeStatus::Fail => &mut self.failures,
            NodeStatus::PartialSuccess => {
                self.partial += 1;
                &mut self.failures
            }
            NodeStatus::Warn => &mut self.warnings,
            _ => return,
        };
        again.push((node.clone(), result.clone()));
    }

    pub(crate) fn skipped(&mut self, node: &NodeInfo, cause: &SkipCause) {
        match cause {
            SkipCause::FailFast => self.left_by_fail_fast += 1,
            SkipCause::Interrupted => self.left_by_interrupt += 1,
            SkipCause::Upstream { .. } | SkipCause::Other { .. } => self.counted(node),
        }
    }

    pub(crate) fn interrupted(&mut self) {
        self.interrupted = true;
    }

    fn counted(&mut self, node: &NodeInfo) {
        *self.kinds.entry(node.counted_as()).or_default() += 1;
    }

    pub(super) fn paragraphs(
        &self,
        theme: Theme,
        summary: &Summary,
        elapsed: f64,
    ) -> Vec<Paragraph> {
        let mut all = vec![blank(), (self.finished_running(elapsed), false)];
        all.extend(self.left().map(|text| (theme.yellow(&text), false)));
        all.extend([blank(), (self.verdict(theme, summary), false)]);
        for (node, result) in &self.failures {
            all.extend([blank(), (failure(theme, node, result), true)]);
        }
        for (node, result) in &self.warnings {
            let heading = theme.yellow(&format!("Warning in {}", node.with_path()));
            all.extend([blank(), (with_details(theme, heading, node, result), false)]);
        }
        all.extend([blank(), (summary.to_string(), false)]);
        all
    }

    /// Returns what ran: `2 data tests, 1 python model`.
    pub(crate) fn kinds(&self) -> String {
        if self.kinds.is_empty() {
            return "nothing".to_owned();
        }
        counts(&self.kinds)
    }

    /// Returns dbt's line on how much ran.
    pub(crate) fn finished_running(&self, elapsed: f64) -> String {
        format!(
            "Finished running {}{} ({elapsed:.2}s).",
            self.kinds(),
            lasted(elapsed)
        )
    }

    fn left(&self) -> impl Iterator<Item = String> {
        let left = |number: u64, why: &str| {
            (number > 0).then(|| format!("Left out {} because {why}.", count(number, "node")))
        };
        let fail_fast = left(self.left_by_fail_fast, "another failed (--fail-fast)");
        fail_fast
            .into_iter()
            .chain(left(self.left_by_interrupt, "the run was interrupted"))
    }

    /// Returns how many failed, succeeded in part and warned.
    pub(crate) fn numbers(&self, summary: &Summary) -> (u64, u64, u64) {
        // Hooks that failed at the end, and failures that belong to no node, are in the summary only.
        let errors = summary.error.saturating_sub(self.partial);
        (errors, self.partial, self.warnings.len() as u64)
    }

    /// Returns whether the user stopped the run.
    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Returns dbt's line on how the run ended.
    pub(crate) fn verdict(&self, theme: Theme, summary: &Summary) -> String {
        let (errors, ..) = self.numbers(summary);
        let partial = if self.partial == 1 {
            "1 partial success".into()
        } else {
            format!("{} partial successes", self.partial)
        };
        let warnings = count(self.warnings.len() as u64, "warning");
        match (self.interrupted, errors, self.partial, self.warnings.len()) {
            (true, ..) => theme.yellow("Exited because of keyboard interrupt"),
            (_, 0, 0, 0) => theme.green("Completed successfully"),
            (_, 0, 0, _) => theme.yellow(&format!("Completed with {warnings}:")),
            (_, 0, ..) => theme.yellow(&format!("Completed with {partial} and {warnings}:")),
            _ => theme.red(&format!(
                "Completed with {}, {partial}, and {warnings}:",
                count(errors, "error")
            )),
        }
    }
}

/// Returns how long a run took in dbt's words.
pub(crate) fn lasted(elapsed: f64) -> String {
    let whole = elapsed.max(0.0) as u64;
    let (hours, minutes) = (
        count(whole / 3600, "hour"),
        count(whole % 3600 / 60, "minute"),
    );
    let seconds = elapsed % 60.0;
    format!(" in {hours} {minutes} and {seconds:.2} seconds")
}

fn blank() -> Paragraph {
    (String::new(), false)
}

fn failure(theme: Theme, node: &NodeInfo, result: &NodeResult) -> String {
    let heading = theme.red(&format!("Failure in {}", node.with_path()));
    with_details(theme, heading, node, result)
}

fn with_details(theme: Theme, heading: String, node: &NodeInfo, result: &NodeResult) -> String {
    let message = match result.message.as_deref().map(str::trim_end) {
        Some(message) if !message.is_empty() => message.to_owned(),
        _ => format!("Status: {}", result.status.as_str()),
    };
    let message = shortened(
        &without_heading(&message, node),
        LONGEST_MESSAGE,
        IN_RESULTS,
    );
    let mut text = heading;
    for line in clean_lines(&message, theme.color).lines() {
        text.push_str(format!("\n  {line}").trim_end_matches(' '));
    }
    if let Some(path) = &node.compiled_path {
        text.push_str(&format!("\n\n  compiled code at {path}"));
    }
    text
}

/// Removes the first line of a message of dbt if it names the node and its file (`Runtime Error in
/// model x (models/x.sql)`), as the heading does. The rest is indented below it.
fn without_heading(message: &str, node: &NodeInfo) -> String {
    match message.split_once('\n') {
        Some((first, rest)) if first.ends_with(&format!(" Error in {}", node.with_path())) => rest
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n"),
        _ => message.to_owned(),
    }
}
