//! dbt's JSON log, line by line: what to show the user, and which nodes have ended.
//!
//! dbt 1 and dbt 2 write the same form, with small differences: dbt 2 writes most of its messages as
//! `[error] [JinjaError (dbt1501)]: text`, and may add a backtrace.

use fal_plugin::payload::{LogLevel, NodeResult, NodeStatus};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Events at warn or error that the host reports itself: results of nodes, and the end of the run.
const REPORTED_BY_HOST: &[&str] = &[
    "CheckNodeTestFailure",
    "CommandCompleted",
    "EndOfRunSummary",
    "FirstRunResultError",
    "GenericExceptionOnRun",
    "InternalErrorOnRun",
    "LogBatchResult",
    "LogFreshnessResult",
    "LogFunctionResult",
    "LogHookEndLine",
    "LogModelResult",
    "LogNodeResult",
    "LogSeedResult",
    "LogSnapshotResult",
    "LogTestResult",
    "LogUnitTestResult",
    "MainEncounteredError",
    "MainStackTrace",
    "NothingToDo",
    "QueryCancelled",
    "RunResultError",
    "RunResultErrorNoMessage",
    "RunResultFailure",
    "RunResultWarning",
    "RunResultWarningMessage",
    "SkippingDetails",
    "StatsLine",
];
/// Warnings of dbt 2 about calls as such, of which the user decides nothing.
const ABOUT_THE_CALL: &[&str] = &[
    "NoNodesForSelectionCriteria",
    "NoNodesSelected",
    "NoLongerSupportedOption",
];
/// Events at info that appear because the user's macros ask for them.
const ASKED_FOR: &[&str] = &["JinjaLogInfo", "PrintEvent"];

/// An event of dbt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Such as `LogModelResult`; `Generic` for most messages of dbt 2.
    pub(crate) name: String,
    /// dbt 2's name of a message, such as `JinjaError`.
    pub(crate) kind: Option<String>,
    pub(crate) level: LogLevel,
    /// The text without what dbt 2 puts around it.
    pub(crate) message: String,
    /// The node that it is about.
    pub(crate) node: Option<String>,
    /// How that node ended, if this event says so.
    pub(crate) result: Option<NodeResult>,
    /// The version of the adapter, if this event says so.
    pub(crate) adapter_version: Option<String>,
}

#[derive(Deserialize)]
struct Line {
    info: Info,
    #[serde(default)]
    data: Map<String, Value>,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    name: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    msg: String,
    #[serde(default)]
    thread: String,
}

impl Event {
    /// Reads a line; `None` if it is no event.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        if !line.starts_with('{') {
            return None;
        }
        let Line { info, data } = serde_json::from_str(line).ok()?;
        let (kind, message) = unwrap(&info.msg);
        let node = data
            .get("node_info")
            .and_then(|node| node.get("unique_id"))
            .and_then(Value::as_str)
            .filter(|id| !id.is_empty());
        let version = || {
            Some(
                data.get("adapter_version")?
                    .as_str()?
                    .trim_start_matches('='),
            )
        };
        Some(Self {
            result: node.and_then(|node| result(node, &data, &info.thread)),
            node: node.map(str::to_owned),
            adapter_version: version().map(str::to_owned),
            level: match info.level.to_lowercase().as_str() {
                "error" => LogLevel::Error,
                "warn" => LogLevel::Warn,
                "debug" | "test" => LogLevel::Debug,
                _ => LogLevel::Info,
            },
            name: info.name,
            kind,
            message,
        })
    }

    /// Returns whether it says that a node starts, in whatever words.
    pub(crate) fn starts_node(&self) -> bool {
        self.node.is_some() && matches!(&*self.name, "LogStartLine" | "NodeStart")
    }

    /// Returns whether the user should read it.
    pub(crate) fn is_wanted(&self, debug: bool) -> bool {
        if self.message.is_empty() {
            return false;
        }
        if debug || ASKED_FOR.contains(&self.name.as_str()) {
            return true;
        }
        let is = |names: &[&str]| {
            names.contains(&self.name.as_str())
                || self
                    .kind
                    .as_deref()
                    .is_some_and(|kind| names.contains(&kind))
        };
        matches!(self.level, LogLevel::Warn | LogLevel::Error)
            && !is(REPORTED_BY_HOST)
            && !is(ABOUT_THE_CALL)
    }
}

/// Returns a message without what dbt 2 puts around it.
pub(crate) fn plain_message(message: &str) -> String {
    unwrap(message).1
}

/// Separates dbt 2's `[error] [JinjaError (dbt1501)]: text` into the name and the text, without
/// backtrace and without a location that the text has already.
fn unwrap(message: &str) -> (Option<String>, String) {
    let text = message.trim();
    let (kind, text) = parts(text).map_or((None, text), |(kind, text)| (Some(kind), text));
    let mut lines: Vec<&str> = text.lines().filter(|line| !is_of_backtrace(line)).collect();
    if let Some(place) = lines
        .iter()
        .rposition(|line| line.trim_start().starts_with("--> "))
    {
        let location = lines[place]
            .trim_start()
            .trim_start_matches("--> ")
            .to_owned();
        let is_repeated = (lines.iter().enumerate())
            .any(|(other, line)| other != place && line.contains(&location));
        if is_repeated {
            lines.remove(place);
        }
    }
    (kind.map(str::to_owned), lines.join("\n").trim().to_owned())
}

fn parts(text: &str) -> Option<(&str, &str)> {
    let rest = ["[error] ", "[warning] "]
        .iter()
        .find_map(|level| text.strip_prefix(level))?;
    let (head, text) = rest.strip_prefix('[')?.split_once("]: ")?;
    Some((
        head.split_once(" (").map_or(head, |(kind, _)| kind),
        text.trim(),
    ))
}

/// Returns whether a line is of a backtrace: `  12: name`, or `             at ./file.c:44:8`.
fn is_of_backtrace(line: &str) -> bool {
    let trimmed = line.trim_start();
    let is_indented = trimmed.len() < line.len();
    let is_frame = trimmed.split_once(": ").is_some_and(|(number, _)| {
        number.chars().all(|c| c.is_ascii_digit()) && !number.is_empty()
    });
    is_indented && (is_frame || (line.len() - trimmed.len() > 8 && trimmed.starts_with("at ")))
}

/// Returns how a node ended, of an event that says so.
fn result(node: &str, data: &Map<String, Value>, thread: &str) -> Option<NodeResult> {
    let execution_time = data.get("execution_time")?.as_f64()?;
    let said = data
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let of_node = data
        .get("node_info")
        .and_then(|info| info.get("node_status"));
    // dbt 1 writes the adapter's answer (`SELECT 3`) as the status of a model that went well.
    let status = [of_node.and_then(Value::as_str).unwrap_or_default(), said]
        .into_iter()
        .find_map(status)?;
    let message = data.get("result_message").and_then(Value::as_str);
    let is_answer = self::status(said).is_none() && !said.is_empty();
    let message = message
        .or(is_answer.then_some(said))
        .filter(|text| !text.is_empty());
    let failures = data.get("num_failures").and_then(Value::as_u64);
    let is_test = matches!(
        status,
        NodeStatus::Pass | NodeStatus::Fail | NodeStatus::Warn
    );
    let rows = message.and_then(|text| text.rsplit(' ').next()?.parse().ok());
    let mut result = NodeResult::new(node, status);
    result.adapter_response = message
        .map(|text| ("_message".to_owned(), Value::from(text)))
        .into_iter()
        .collect();
    result.message = message.map(str::to_owned);
    result.execution_time = execution_time;
    result.rows_affected = rows;
    result.failures = failures.filter(|_| is_test);
    thread.clone_into(&mut result.thread_id);
    Some(result)
}

/// Returns the status that dbt names so, in any version.
pub(crate) fn status(name: &str) -> Option<NodeStatus> {
    Some(match name.to_lowercase().as_str() {
        "success" => NodeStatus::Success,
        "error" | "runtime error" => NodeStatus::Error,
        "fail" => NodeStatus::Fail,
        "warn" => NodeStatus::Warn,
        "pass" => NodeStatus::Pass,
        "skipped" => NodeStatus::Skipped,
        // dbt 2 finds that the relation is up to date, and leaves it.
        "no-op" | "reused" => NodeStatus::NoOp,
        "partial success" => NodeStatus::PartialSuccess,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event::parse(text).unwrap()
    }

    fn message(text: &str) -> (Option<String>, String) {
        unwrap(text)
    }

    #[test]
    fn messages_lose_what_dbt_2_puts_around_them() {
        let of_jinja = "[error] [JinjaError (dbt1501)]: Failed to render SQL: my own words\n\
            (in models/eph.sql:1:56)\n  --> models/eph.sql:1:56\n   0: <unknown>\n  14: start_thread\n             at ./nptl/pthread_create.c:442:8\n";
        let expected = "Failed to render SQL: my own words\n(in models/eph.sql:1:56)";
        assert_eq!(
            message(of_jinja),
            (Some("JinjaError".to_owned()), expected.to_owned())
        );
        let only_there =
            "[error] [DbtYamlValidationError (dbt1159)]: Deprecated\n  --> models/schema.yml:3:74";
        assert_eq!(
            message(only_there).1,
            "Deprecated\n  --> models/schema.yml:3:74"
        );
        for plain in [
            "[not] a: prefix",
            "Catalog Error: no table\nLINE 1: select 1",
            "",
        ] {
            assert_eq!(message(plain), (None, plain.to_owned()));
        }
    }

    #[test]
    fn lines_that_are_no_events_are_none() {
        for line in [
            "",
            "hello",
            "{",
            "{}",
            "{\"info\": 3}",
            "[1]",
            "null",
            "{\"data\": {}}",
        ] {
            assert_eq!(Event::parse(line), None, "{line}");
        }
    }

    #[test]
    fn results_are_read_of_both_forms() {
        let of_dbt_1 = event(
            r#"{"data": {"status": "SELECT 3", "execution_time": 0.5, "node_info": {"unique_id": "model.p.a", "node_status": "success"}}, "info": {"name": "LogModelResult", "level": "info", "msg": "1 of 1 OK", "thread": "Thread-1"}}"#,
        );
        let result = of_dbt_1.result.unwrap();
        assert_eq!(
            (
                result.status,
                result.message.as_deref(),
                result.rows_affected
            ),
            (NodeStatus::Success, Some("SELECT 3"), Some(3))
        );
        let of_dbt_2 = event(
            r#"{"data":{"execution_time":0.17,"node_info":{"node_status":"fail","unique_id":"test.p.t"},"num_failures":2,"status":"fail"},"info":{"code":"Q007","level":"info","msg":"    Failed","name":"LogTestResult","thread":"tokio-rt-worker"}}"#,
        );
        let result = of_dbt_2.result.as_ref().unwrap();
        assert_eq!(
            (result.status, result.message.as_deref(), result.failures),
            (NodeStatus::Fail, None, Some(2))
        );
        assert!(!of_dbt_2.is_wanted(false));
    }

    #[test]
    fn each_status_of_each_version_is_known() {
        let all = "success error skipped pass warn fail no-op reused";
        for name in all.split(' ').chain(["partial success", "runtime error"]) {
            assert!(status(name).is_some(), "{name}");
        }
        assert_eq!(status("cancelled"), None);
    }

    #[test]
    fn the_user_reads_warnings_and_prints_but_no_results_twice() {
        let wanted = |name: &str, level: &str, msg: &str| {
            let info = serde_json::json!({ "name": name, "level": level, "msg": msg });
            event(&serde_json::json!({ "data": {}, "info": info }).to_string()).is_wanted(false)
        };
        assert!(wanted("PrintEvent", "info", "hello"));
        assert!(wanted(
            "Generic",
            "warn",
            "[warning] [Deprecated (dbt1)]: old"
        ));
        assert!(wanted(
            "Generic",
            "error",
            "[error] [JinjaError (dbt1501)]: bad"
        ));
        assert!(!wanted("Generic", "info", "Loading profiles.yml"));
        assert!(!wanted(
            "Generic",
            "warn",
            "[warning] [NoLongerSupportedOption (dbt1700)]: --use-colors"
        ));
        assert!(!wanted("LogModelResult", "error", "1 of 1 ERROR"));
        assert!(!wanted("Generic", "warn", "  "));
    }
}
