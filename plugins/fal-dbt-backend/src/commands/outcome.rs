//! How the nodes of a call ended. A node is successful only if dbt said so of that node.

use std::collections::{BTreeMap, HashMap, HashSet};

use fal_plugin::payload::{NodeResult, NodeStatus};
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{
    call::Ended,
    events,
    manifest::{Manifest, Node},
    plan::{went_well, Ids, Plan},
};
use crate::result;

/// A result of run_results.json, as dbt wrote it.
pub(crate) type Row = Map<String, Value>;

/// Messages of dbt 2 that say no more than the status.
const BARE: &[&str] = &[
    "compilation error",
    "error",
    "fail",
    "failed",
    "no-op",
    "pass",
    "passed",
    "reused",
    "succeeded",
    "success",
    "warn",
];

/// A call that has ended.
pub(crate) struct Outcome<'a> {
    /// What the call was to run.
    pub(crate) batch: &'a Ids,
    pub(crate) ended: &'a Ended,
    /// What run_results.json says, if the call wrote it, by unique id.
    pub(crate) rows: &'a IndexMap<String, Row>,
    /// What the log says, by unique id.
    pub(crate) heard: &'a HashMap<String, NodeResult>,
    pub(crate) plan: &'a Plan,
    pub(crate) manifest: &'a Manifest,
    /// Statuses of earlier calls.
    pub(crate) before: &'a HashMap<String, NodeStatus>,
}

impl Outcome<'_> {
    /// Returns a result for each node of the batch.
    pub(crate) fn results(&self) -> BTreeMap<String, NodeResult> {
        let mut results: BTreeMap<_, _> = self
            .batch
            .iter()
            .map(|node| (node.clone(), self.result(node)))
            .collect();
        let has_failure = results.values().any(|result| result.status.is_failure());
        let skipped: Vec<_> = results
            .values()
            .filter(|result| result.status == NodeStatus::Skipped)
            .map(|result| result.unique_id.clone())
            .collect();
        for node in skipped {
            if let Some(message) = self.cause_of_skip(&node, &results, has_failure) {
                let result = result::failure(&node, message);
                results.insert(node, result);
            }
        }
        results
    }

    /// Returns dbt's words about a call that failed although no node and no hook of it did.
    pub(crate) fn failure_of_none(&self, results: &BTreeMap<String, NodeResult>) -> Option<String> {
        self.ended.failure.as_ref()?;
        let has_failed = |row: &Row| !went_well(row_status(row).unwrap_or(NodeStatus::Error));
        let a_hook = self
            .rows
            .iter()
            .any(|(id, row)| is_hook(id) && has_failed(row));
        let a_node = results.values().any(|result| result.status.is_failure());
        (!a_hook && !a_node).then(|| self.ended.message())
    }

    fn result(&self, node: &str) -> NodeResult {
        let heard = self.heard.get(node);
        let Some(row) = self.rows.get(node) else {
            return heard.map_or_else(
                || self.without_result(node),
                |heard| self.explained(heard.clone()),
            );
        };
        let mut result = from_row(node, row);
        match (row_status(row), heard.map(|heard| heard.status)) {
            (None, _) => {
                let name = row.get("status").unwrap_or(&Value::Null);
                result.message = Some(format!(
                    "dbt reports the status {name}, which fal-host does not know"
                ));
            }
            // The worse of the two counts; of a unit test that fails dbt 2 writes `error` in the file.
            (Some(status), Some(heard)) if went_well(status) && !went_well(heard) => {
                result.status = heard
            }
            (Some(NodeStatus::Error), Some(NodeStatus::Fail)) => result.status = NodeStatus::Fail,
            _ => {}
        }
        if let Some(heard) = heard {
            result.failures = result.failures.or(heard.failures);
        }
        self.explained(result)
    }

    /// Completes a message that says no more than the status.
    fn explained(&self, mut result: NodeResult) -> NodeResult {
        let said = result.message.take();
        let said = said.filter(|text| !BARE.contains(&text.trim().to_lowercase().as_str()));
        let is_test = self.plan.tests.contains(&result.unique_id);
        result.message = match result.status {
            _ if said.is_some() => said,
            NodeStatus::Fail | NodeStatus::Warn if is_test => {
                let count = result.failures.unwrap_or_default();
                let results = if count == 1 { "result" } else { "results" };
                let verb = if result.status == NodeStatus::Fail {
                    "fail"
                } else {
                    "warn"
                };
                let condition = self.manifest.node(&result.unique_id).and_then(|test| {
                    test.config(if verb == "fail" {
                        "error_if"
                    } else {
                        "warn_if"
                    })
                });
                let condition = condition.unwrap_or("!= 0");
                Some(format!(
                    "Got {count} {results}, configured to {verb} if {condition}"
                ))
            }
            NodeStatus::Error | NodeStatus::PartialSuccess | NodeStatus::Fail => {
                let of_node = self.ended.message_of(&result.unique_id);
                let is_unit_test = result.status == NodeStatus::Fail;
                let plain = || {
                    if is_unit_test {
                        "the rows differ from those expected".to_owned()
                    } else {
                        self.ended.message()
                    }
                };
                Some(of_node.unwrap_or_else(plain))
            }
            _ => None,
        };
        result
    }

    fn without_result(&self, node: &str) -> NodeResult {
        let how = self.ended.failure.as_deref().unwrap_or("success");
        let words = self
            .ended
            .message_of(node)
            .unwrap_or_else(|| self.ended.message());
        let message = format!("dbt ended with {how} and without a result of {node}:\n{words}");
        result::failure(node, message)
    }

    /// Returns the message of a node that dbt skipped although nothing failed that the run knows:
    /// an ephemeral model above it could not be rendered, or the call ended early.
    fn cause_of_skip(
        &self,
        node: &str,
        results: &BTreeMap<String, NodeResult>,
        has_failure: bool,
    ) -> Option<String> {
        if let Some(message) = self.failure_outside(node) {
            return Some(message);
        }
        let is_well = |parent: &String| {
            let now = results.get(parent).map(|result| result.status);
            now.or_else(|| self.before.get(parent).copied())
                .is_none_or(went_well)
        };
        let is_explained = has_failure || !self.plan.before(node).all(is_well);
        (!is_explained).then(|| self.ended.message())
    }

    /// Returns the message of a node above `node` that failed and is not part of the run.
    fn failure_outside(&self, node: &str) -> Option<String> {
        let parents = |node| self.manifest.node(node).into_iter().flat_map(Node::parents);
        let mut stack: Vec<_> = parents(node).collect();
        let mut seen = HashSet::new();
        while let Some(above) = stack.pop() {
            if self.plan.has(above) || !seen.insert(above) {
                continue;
            }
            let row = self.rows.get(above).map(|row| from_row(above, row));
            let result = row.or_else(|| self.heard.get(above).cloned());
            if let Some(result) = result.filter(|result| result.status.is_failure()) {
                let message = self.explained(result).message.unwrap_or_default();
                return Some(format!("{above} failed: {message}"));
            }
            stack.extend(parents(above));
        }
        None
    }
}

/// Returns whether this is a row of on-run-start or on-run-end.
pub(crate) fn is_hook(unique_id: &str) -> bool {
    unique_id.starts_with("operation.")
}

/// Returns the status of a row, if it is a known one.
pub(crate) fn row_status(row: &Row) -> Option<NodeStatus> {
    events::status(row.get("status")?.as_str()?)
}

/// Returns a row as the host sees it; an unknown status is an error.
pub(crate) fn from_row(unique_id: &str, row: &Row) -> NodeResult {
    let text = |name| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let whole = |name| row.get(name).and_then(Value::as_u64);
    let response = row.get("adapter_response").and_then(Value::as_object);
    let response = response.cloned().unwrap_or_default();
    let mut result = NodeResult::new(unique_id, row_status(row).unwrap_or(NodeStatus::Error));
    result.message = text("message").map(|message| events::plain_message(&message));
    result.execution_time = row
        .get("execution_time")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    // Of a table, dbt 2 on DuckDB writes 0 and no message of the adapter: then it is not known.
    let rows = response.get("rows_affected").and_then(Value::as_u64);
    result.rows_affected = rows.filter(|&rows| rows > 0 || response.contains_key("_message"));
    result.failures = whole("failures");
    let timing = row.get("timing").cloned().unwrap_or_default();
    result.timing = serde_json::from_value(timing).unwrap_or_default();
    result.thread_id = text("thread_id").unwrap_or_default();
    result.adapter_response = response;
    result.compiled = row.get("compiled").and_then(Value::as_bool);
    result.compiled_code = text("compiled_code");
    result.relation_name = text("relation_name");
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::commands::call::Said;

    /// `a <- e (ephemeral) <- b <- c`, and a test of a.
    fn manifest() -> Manifest {
        let node = |name: &str, parents: &[&str], materialized: &str| {
            let kind = name.split('.').next().unwrap();
            let node = json!({ "unique_id": name, "resource_type": kind, "depends_on": { "nodes": parents },
                "config": { "materialized": materialized, "error_if": "> 1" } });
            (name.to_owned(), node)
        };
        let nodes: Map<String, Value> = [
            node("model.a", &[], "table"),
            node("model.e", &["model.a"], "ephemeral"),
            node("model.b", &["model.e"], "table"),
            node("model.c", &["model.b"], "table"),
            node("test.t", &["model.a"], "test"),
        ]
        .into_iter()
        .collect();
        serde_json::from_value(json!({ "nodes": nodes })).unwrap()
    }

    /// Runs all of it in one call, and returns each node's status with its message, and the failure
    /// that no node has.
    fn outcome(
        rows: &Value,
        heard: &[(&str, NodeStatus)],
        ended: &Ended,
    ) -> (Vec<String>, Option<String>) {
        let manifest = manifest();
        let batch: Ids = ["model.a", "model.b", "model.c", "test.t"]
            .map(str::to_owned)
            .into();
        let parents = manifest.members().map(|node| {
            (
                node.unique_id().to_owned(),
                node.parents().map(str::to_owned).collect(),
            )
        });
        let plan = Plan {
            dbt: batch.clone(),
            tests: ["test.t".to_owned()].into(),
            ..Plan::default()
        };
        let plan = plan.in_order_of(&parents.collect());
        let rows = rows.as_array().unwrap().iter().map(|row| {
            let id = row["unique_id"].as_str().unwrap().to_owned();
            (id, row.as_object().unwrap().clone())
        });
        let heard = heard
            .iter()
            .map(|&(id, status)| (id.to_owned(), NodeResult::new(id, status)));
        let (rows, heard) = (rows.collect(), heard.collect());
        let outcome = Outcome {
            batch: &batch,
            ended,
            rows: &rows,
            heard: &heard,
            plan: &plan,
            manifest: &manifest,
            before: &HashMap::new(),
        };
        let results = outcome.results();
        let lines = results.values().map(|result| {
            let message = result
                .message
                .as_deref()
                .unwrap_or("-")
                .replace('\n', " / ");
            format!("{} {:?} {message}", result.unique_id, result.status)
        });
        (lines.collect(), outcome.failure_of_none(&results))
    }

    fn row(id: &str, status: &str, message: &str) -> Value {
        json!({ "unique_id": id, "status": status, "message": message })
    }

    fn failed(words: &[(Option<&str>, &str)]) -> Ended {
        let said = words.iter().map(|&(node, message)| Said {
            node: node.map(str::to_owned),
            kind: None,
            message: message.to_owned(),
        });
        Ended {
            failure: Some("exit code 1".to_owned()),
            errors: said.collect(),
            lines: Vec::new(),
        }
    }

    fn all(status: &str) -> Value {
        let ids = ["model.a", "model.b", "model.c", "test.t"];
        ids.iter().map(|id| row(id, status, "Succeeded")).collect()
    }

    #[test]
    fn a_node_is_successful_only_if_dbt_said_so_of_it() {
        let (lines, other) = outcome(&all("success"), &[], &Ended::default());
        assert_eq!(
            lines,
            [
                "model.a Success -",
                "model.b Success -",
                "model.c Success -",
                "test.t Success -"
            ]
        );
        assert_eq!(other, None);
        // Neither a file nor the log names any.
        let (lines, _) = outcome(&json!([]), &[], &Ended::default());
        assert!(lines.iter().all(|line| line.contains(" Error dbt ended with success and without a result of ")), "{lines:?}");
        // The log has what the file lacks.
        let (lines, _) = outcome(
            &json!([]),
            &[("model.a", NodeStatus::Success)],
            &failed(&[]),
        );
        assert_eq!(lines[0], "model.a Success -");
        assert!(
            lines[1].contains("Error dbt ended with exit code 1 and without a result of model.b"),
            "{lines:?}"
        );
        // Of the two, the worse counts.
        let (lines, _) = outcome(
            &all("success"),
            &[("model.b", NodeStatus::Error)],
            &failed(&[(Some("model.b"), "words")]),
        );
        assert_eq!(lines[1], "model.b Error words");
    }

    #[test]
    fn what_was_skipped_below_a_failure_outside_of_the_run_has_failed() {
        let rows = json!([
            row("model.a", "success", "Succeeded"),
            row("model.e", "error", "Failed to render: my own words"),
            row("model.b", "skipped", "Skipped due to upstream failure"),
            row("model.c", "skipped", "Skipped due to upstream failure"),
            row("test.t", "pass", "Pass"),
        ]);
        let (lines, other) = outcome(&rows, &[], &failed(&[]));
        assert_eq!(
            lines,
            [
                "model.a Success -",
                "model.b Error model.e failed: Failed to render: my own words",
                "model.c Skipped Skipped due to upstream failure",
                "test.t Pass -",
            ]
        );
        assert_eq!(other, None);
    }

    #[test]
    fn what_was_skipped_without_a_failure_has_failed_with_dbts_words() {
        let (lines, _) = outcome(&all("skipped"), &[], &failed(&[(None, "Catalog Error")]));
        assert_eq!(
            lines,
            [
                "model.a Error Catalog Error",
                "model.b Skipped -",
                "model.c Skipped -",
                "test.t Skipped -",
            ]
        );
    }

    #[test]
    fn what_was_skipped_below_a_failure_of_the_run_is_skipped() {
        let rows = json!([
            row("model.a", "error", "Error"),
            row("model.b", "skipped", "Skipped due to upstream failure"),
            row("model.c", "skipped", ""),
            row("test.t", "skipped", ""),
        ]);
        let (lines, _) = outcome(&rows, &[], &failed(&[(Some("model.a"), "no such column")]));
        assert_eq!(lines[0], "model.a Error no such column");
        assert!(
            lines[1..].iter().all(|line| line.contains(" Skipped ")),
            "{lines:?}"
        );
    }

    #[test]
    fn messages_that_say_no_more_than_the_status_are_completed() {
        let rows = json!([
            row("model.a", "error", "Compilation Error"),
            row("model.b", "skipped", ""),
            row("model.c", "skipped", ""),
            { "unique_id": "test.t", "status": "fail", "message": "Error", "failures": 3 },
        ]);
        let (lines, _) = outcome(&rows, &[], &failed(&[(None, "Catalog Error: no table")]));
        assert_eq!(lines[0], "model.a Error Catalog Error: no table");
        assert_eq!(
            lines[3],
            "test.t Fail Got 3 results, configured to fail if > 1"
        );
    }

    #[test]
    fn unknown_statuses_are_failures() {
        let (lines, _) = outcome(
            &all("transmogrified"),
            &[("model.a", NodeStatus::Success)],
            &Ended::default(),
        );
        assert!(
            lines.iter().all(|line| line.ends_with(
                " Error dbt reports the status \"transmogrified\", which fal-host does not know"
            )),
            "{lines:?}"
        );
        let (lines, _) = outcome(&all("reused"), &[], &Ended::default());
        assert!(
            lines.iter().all(|line| line.contains(" NoOp ")),
            "{lines:?}"
        );
    }

    #[test]
    fn a_call_that_fails_without_a_failed_node_is_a_failure() {
        let (_, other) = outcome(
            &all("success"),
            &[],
            &failed(&[(None, "I lost the warehouse")]),
        );
        assert_eq!(other.as_deref(), Some("I lost the warehouse"));
        let mut rows = all("success");
        rows.as_array_mut()
            .unwrap()
            .push(row("operation.p.h", "error", "hook"));
        let (_, other) = outcome(&rows, &[], &failed(&[(None, "hook")]));
        assert_eq!(other, None);
    }

    #[test]
    fn rows_of_a_real_dbt_2_are_read() {
        let text = include_str!("../../tests/dbt2/build.run_results.json");
        let content: Value = serde_json::from_str(text).unwrap();
        let lines = content["results"].as_array().unwrap().iter().map(|row| {
            let row = row.as_object().unwrap();
            let result = from_row(row["unique_id"].as_str().unwrap(), row);
            format!(
                "{} {:?} rows {:?} failures {:?} steps {}\n",
                result.unique_id,
                result.status,
                result.rows_affected,
                result.failures,
                result.timing.len()
            )
        });
        insta::assert_snapshot!(lines.collect::<String>(), @r"
        seed.shop.raw Success rows Some(3) failures None steps 2
        model.shop.a Success rows None failures None steps 2
        model.shop.wrong Skipped rows None failures None steps 2
        model.shop.below Skipped rows None failures None steps 2
        test.shop.accepted_values_a_amount__10__20.ad7faca341 Warn rows None failures Some(1) steps 2
        test.shop.not_null_a_id.c1cebc1440 Pass rows None failures Some(0) steps 2
        test.shop.singular_fail Fail rows None failures Some(3) steps 2
        test.shop.unique_a_id.f6a5f640da Pass rows None failures Some(0) steps 2
        ");
    }
}
