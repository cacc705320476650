//! Problems for programs: GitHub annotations, SARIF 2.1.0, JSON.

use std::fmt::Write as _;
use std::io;

use fal_plugin::payload::{ErrorFrame, Label, NodeResult, Position, Severity};
use indexmap::IndexSet;
use serde_json::{Value, json};

use crate::diagnostic::{SourceProblem, severity_word};
use crate::event::{EventKind, Failure, RunEvent};
use crate::node::NodeInfo;
use crate::printed::printable;
use crate::reporter::{Reporter, Sink};

/// Returns GitHub's workflow commands that annotate each problem's line, one command on each line.
pub fn github_annotations(problems: &[SourceProblem]) -> String {
    problems.iter().map(annotation).collect()
}

fn annotation(problem: &SourceProblem) -> String {
    let diagnostic = &problem.diagnostic;
    let command = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut text = format!("::{command} file={}", github_property(&problem.path));
    // Don't name a line of a notebook: lines of a cell are not lines of its file.
    if let (Some(label), None) = (diagnostic.labels.first(), problem.cell) {
        let (from, to) = (label.span.from, label.span.to);
        let _ = write!(
            text,
            ",line={},endLine={}",
            from.line,
            to.line.max(from.line)
        );
        if from.line == to.line {
            let _ = write!(
                text,
                ",col={},endColumn={}",
                from.column,
                to.column.max(from.column)
            );
        }
    }
    let _ = writeln!(
        text,
        ",title={}::{}",
        github_property(&diagnostic.code),
        github_data(&whole_message(problem))
    );
    text
}

/// Makes GitHub show each failed node and hook beside the line that raised the error.
pub struct GithubReporter(Sink);

impl GithubReporter {
    /// Writes the workflow commands to `out`.
    pub fn new(out: Box<dyn io::Write + Send>) -> Self {
        Self(Sink::new(out, false))
    }
}

impl Reporter for GithubReporter {
    fn event(&mut self, event: &RunEvent) {
        if let EventKind::NodeFinished {
            node,
            result,
            failure,
            ..
        }
        | EventKind::HookFinished {
            node,
            result,
            failure,
        } = &event.kind
            && result.status.is_failure()
        {
            self.0.write(&failed_node(node, result, failure));
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.finish()
    }
}

fn failed_node(node: &NodeInfo, result: &NodeResult, failure: &Failure) -> String {
    let mut message = printable(
        result.message.as_deref().unwrap_or_default().trim_end(),
        false,
    );
    let mut properties = Vec::new();
    let frame = failure.frames.last();
    if let Some(path) = frame.map(|frame| &frame.file).or(node.path.as_ref()) {
        properties.push(format!("file={}", github_property(path)));
    }
    match frame {
        // Don't name a line of a notebook: lines of a cell are not lines of its file.
        Some(ErrorFrame {
            cell: Some(cell),
            line,
            ..
        }) => {
            message.insert_str(0, &format!("cell {cell}, line {line}: "));
        }
        Some(ErrorFrame { line, .. }) => properties.push(format!("line={line}")),
        None => {}
    }
    let code = failure.code.as_deref().unwrap_or("failed");
    properties.push(format!(
        "title={}",
        github_property(&format!("{}: {code}", node.name))
    ));
    format!(
        "::error {}::{}\n",
        properties.join(","),
        github_data(&message)
    )
}

/// Returns the message with the cell before it and the help after it.
fn whole_message(problem: &SourceProblem) -> String {
    let mut text = match (problem.cell, problem.position()) {
        (Some(cell), Some(Position { line, .. })) => format!("cell {cell}, line {line}: "),
        (Some(cell), None) => format!("cell {cell}: "),
        _ => String::new(),
    };
    text.push_str(&problem.diagnostic.message);
    if let Some(help) = &problem.diagnostic.help {
        let _ = write!(text, "\nhelp: {help}");
    }
    text
}

fn github_data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn github_property(text: &str) -> String {
    github_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns a SARIF 2.1.0 log of the problems; `version` is the program's.
pub fn sarif(problems: &[SourceProblem], version: &str) -> String {
    let rules: IndexSet<&str> = problems
        .iter()
        .map(|problem| problem.diagnostic.code.as_str())
        .collect();
    let results = problems
        .iter()
        .map(|problem| sarif_result(problem, &rules))
        .collect::<Vec<_>>();
    let rules = rules
        .iter()
        .map(|rule| json!({ "id": rule }))
        .collect::<Vec<_>>();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "fal-host", "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn sarif_result(problem: &SourceProblem, rules: &IndexSet<&str>) -> Value {
    let diagnostic = &problem.diagnostic;
    let locations = match diagnostic.labels.split_first() {
        Some((first, _)) => json!([sarif_location(problem, Some(first))]),
        None => json!([sarif_location(problem, None)]),
    };
    let related = diagnostic
        .labels
        .iter()
        .skip(1)
        .enumerate()
        .map(|(id, label)| {
            let mut location = sarif_location(problem, Some(label));
            location["id"] = json!(id);
            location["message"] = json!({ "text": label.text });
            location
        });
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": rules.get_index_of(diagnostic.code.as_str()),
        "level": severity_word(diagnostic.severity),
        "message": { "text": whole_message(problem) },
        "locations": locations,
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn sarif_location(problem: &SourceProblem, label: Option<&Label>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(&problem.path) } });
    match (label, problem.cell) {
        (Some(label), None) => {
            let (from, to) = (label.span.from, label.span.to);
            physical["region"] = json!({
                "startLine": from.line, "startColumn": from.column, "endLine": to.line, "endColumn": to.column,
            });
            json!({ "physicalLocation": physical })
        }
        (_, Some(cell)) => {
            json!({ "physicalLocation": physical, "logicalLocations": [{ "name": format!("cell {cell}") }] })
        }
        (None, None) => json!({ "physicalLocation": physical }),
    }
}

/// Returns the path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}

/// Returns the problems as one JSON object: `version` (1), counts by severity, and `problems`.
/// Lines and columns count from 1, columns in characters; in notebooks they are relative to the
/// cell.
pub fn problems_json(problems: &[SourceProblem]) -> String {
    let count = |severity| {
        problems
            .iter()
            .filter(|problem| problem.diagnostic.severity == severity)
            .count()
    };
    pretty(&json!({
        "version": 1,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "notes": count(Severity::Note),
        "problems": problems.iter().map(problem_json).collect::<Vec<_>>(),
    }))
}

fn problem_json(problem: &SourceProblem) -> Value {
    let diagnostic = &problem.diagnostic;
    let label =
        |label: &Label| json!({ "text": label.text, "from": label.span.from, "to": label.span.to });
    json!({
        "path": problem.path,
        "cell": problem.cell,
        "severity": severity_word(diagnostic.severity),
        "code": diagnostic.code,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "labels": diagnostic.labels.iter().map(label).collect::<Vec<_>>(),
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
