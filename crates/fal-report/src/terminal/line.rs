//! The lines about single nodes, as dbt writes them.

use std::collections::BTreeMap;

use fal_plugin::payload::{NodeResult, NodeStatus};
use unicode_width::UnicodeWidthStr as _;

use crate::event::SkipCause;
use crate::node::{NodeInfo, NodeKind};
use crate::theme::Theme;

/// Column of the status behind the time, as dbt has it.
const STATUS_COLUMN: usize = 80;
/// Room kept for the time in front and the status behind, on narrow terminals.
const AROUND: usize = 10 + 24;

/// Formats lines about nodes.
pub(super) struct Lines {
    pub(super) theme: Theme,
    pub(super) width: Option<usize>,
}

impl Lines {
    pub(super) fn started(&self, place: (u64, u64), node: &NodeInfo) -> String {
        self.line(place, &format!("START {}", node.describe()), "RUN", None)
    }

    pub(super) fn finished(
        &self,
        place: (u64, u64),
        node: &NodeInfo,
        result: &NodeResult,
    ) -> String {
        let status = self.status(node, result);
        let what = match node.kind {
            NodeKind::Test | NodeKind::UnitTest => {
                format!("{} {}", test_word(result), node.title())
            }
            NodeKind::Snapshot => format!("{}{}", verb(node.kind, result.status), node.relation()),
            _ => format!("{}{}", verb(node.kind, result.status), node.describe()),
        };
        self.line(place, &what, &status, Some(result.execution_time))
    }

    pub(super) fn skipped(&self, place: (u64, u64), node: &NodeInfo, cause: &SkipCause) -> String {
        let what = match node.kind {
            kind if kind.is_model() || matches!(kind, NodeKind::Seed | NodeKind::Snapshot) => {
                format!("relation {}", node.relation())
            }
            kind => format!("{} {}", kind.resource_type(), node.title()),
        };
        let why = match cause {
            SkipCause::Upstream { name, .. } => format!(" (because of {name})"),
            SkipCause::Other { reason } => format!(" ({reason})"),
            SkipCause::FailFast | SkipCause::Interrupted => String::new(),
        };
        self.line(
            place,
            &format!("SKIP {what}{why}"),
            &self.theme.yellow("SKIP"),
            None,
        )
    }

    pub(super) fn interrupted(&self, running: &[String]) -> String {
        let text = match running {
            [] => "Interrupted: nothing more is started".to_owned(),
            names => format!(
                "Interrupted: cancelling {} ({})",
                count(names.len() as u64, "node"),
                names.join(", ")
            ),
        };
        self.theme.yellow(&text)
    }

    fn status(&self, node: &NodeInfo, result: &NodeResult) -> String {
        match result.status {
            NodeStatus::Success => self.theme.green(&achievement(node, result)),
            NodeStatus::Pass => self.theme.green("PASS"),
            NodeStatus::Error => self.theme.red("ERROR"),
            NodeStatus::Fail => self.theme.red(&test_word(result)),
            NodeStatus::Warn => self.theme.yellow(&test_word(result)),
            NodeStatus::Skipped => self.theme.yellow("SKIP"),
            NodeStatus::NoOp => self.theme.yellow("NO-OP"),
            NodeStatus::PartialSuccess => self.theme.yellow("PARTIAL SUCCESS"),
        }
    }

    fn line(
        &self,
        (index, total): (u64, u64),
        what: &str,
        status: &str,
        seconds: Option<f64>,
    ) -> String {
        let place = if index == 0 {
            String::new()
        } else {
            format!("{index} of {total} ")
        };
        let text = format!("{place}{what}");
        let dots = match self.status_column().saturating_sub(text.width() + 1) {
            0 => String::new(),
            number => format!(" {}", ".".repeat(number)),
        };
        let time = seconds
            .map(|seconds| format!(" in {seconds:.2}s"))
            .unwrap_or_default();
        format!("{text}{dots} [{status}{time}]")
    }

    fn status_column(&self) -> usize {
        self.width.map_or(STATUS_COLUMN, |width| {
            width.saturating_sub(AROUND).clamp(40, STATUS_COLUMN)
        })
    }
}

/// Returns the words before the description: `OK created `, `ERROR loading `, ...
fn verb(kind: NodeKind, status: NodeStatus) -> String {
    let (doing, done) = match kind {
        NodeKind::Seed => ("loading ", "loaded "),
        NodeKind::Snapshot => ("snapshotting ", "snapshotted "),
        kind if kind.is_model() || kind == NodeKind::Function => ("creating ", "created "),
        _ => ("", ""),
    };
    match status {
        NodeStatus::Error | NodeStatus::Fail => format!("ERROR {doing}"),
        NodeStatus::PartialSuccess => format!("PARTIALLY {done}"),
        NodeStatus::NoOp => "NO-OP ".to_owned(),
        NodeStatus::Skipped => "SKIP ".to_owned(),
        NodeStatus::Warn => "WARN ".to_owned(),
        NodeStatus::Success | NodeStatus::Pass => format!("OK {done}"),
    }
}

/// Returns the status of a test: `PASS`, `FAIL 3`, `WARN 2`, `ERROR`.
fn test_word(result: &NodeResult) -> String {
    let failures = result
        .failures
        .map(|failures| format!(" {failures}"))
        .unwrap_or_default();
    match result.status {
        NodeStatus::Fail => format!("FAIL{failures}"),
        NodeStatus::Warn => format!("WARN{failures}"),
        NodeStatus::Error => "ERROR".to_owned(),
        NodeStatus::Skipped => "SKIP".to_owned(),
        _ => "PASS".to_owned(),
    }
}

/// Returns what a node did: its rows, or the warehouse's message.
fn achievement(node: &NodeInfo, result: &NodeResult) -> String {
    let said = result
        .message
        .as_deref()
        .and_then(|message| message.lines().next())
        .unwrap_or_default();
    let says_little = matches!(said, "" | "OK" | "SUCCESS");
    match result.rows_affected {
        Some(rows)
            if says_little
                || matches!(node.kind, NodeKind::PythonModel | NodeKind::NotebookModel) =>
        {
            count(rows, "row")
        }
        _ if said.is_empty() => "OK".to_owned(),
        _ => said.to_owned(),
    }
}

/// Formats numbers of several kinds: `2 models, 1 seed`.
pub(crate) fn counts(kinds: &BTreeMap<String, u64>) -> String {
    let kinds = kinds.iter();
    let kinds: Vec<_> = kinds.map(|(kind, number)| count(*number, kind)).collect();
    kinds.join(", ")
}

/// Formats a number of rows: `1 row`, `2 rows`.
pub(crate) fn count(number: u64, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        _ => format!("{number} {what}s"),
    }
}
