//! run_results.json: read after each call of dbt, and written once for all of them.

use std::{
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::payload::{NodeResult, NodeStatus};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{json, Map, Value};

use super::{
    outcome::{from_row, is_hook, row_status, Row},
    run_hooks::Kinds,
};
use crate::result::rfc3339;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;

/// The name of the file.
const NAME: &str = "run_results.json";

/// Removes the file in a folder: the next call of dbt may end without one.
pub(crate) fn forget(folder: &Path) {
    // A call that writes none is judged without.
    let _ = Root::of(&folder.join(NAME)).and_then(|(root, name)| root.remove_file(name));
}

/// What a result has in dbt's schema, with the value where dbt or the host gave none. dbt 2 leaves
/// out what a row does not need.
fn blank_row() -> Row {
    let blank = json!({
        "status": null, "timing": [], "thread_id": "fal", "execution_time": 0.0, "adapter_response": {},
        "message": null, "failures": null, "unique_id": null, "compiled": null, "compiled_code": null,
        "relation_name": null, "batch_results": null,
    });
    match blank {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

/// The run's run_results.json.
pub(crate) struct RunResults {
    path: PathBuf,
    metadata: Map<String, Value>,
    args: Map<String, Value>,
    /// Of on-run-start and on-run-end, the last of each, or the one that failed.
    hooks: IndexMap<String, Row>,
    began: Timestamp,
    started: std::time::Instant,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    metadata: Map<String, Value>,
    args: Map<String, Value>,
    results: Vec<Row>,
}

impl RunResults {
    /// `metadata` and `args` are those of the file, where no call of dbt writes one to go by.
    pub(crate) fn new(
        target: &Path,
        metadata: Map<String, Value>,
        args: Map<String, Value>,
    ) -> Self {
        Self {
            path: target.join(NAME),
            metadata,
            args,
            hooks: IndexMap::new(),
            began: Timestamp::now(),
            started: std::time::Instant::now(),
        }
    }

    /// Takes the rows of the call that has ended and wrote into `folder`, by unique id. A file that
    /// cannot be read has none. `hooks` are those that the call ran, if not all.
    pub(crate) fn take(&mut self, folder: &Path, hooks: Option<Kinds>) -> IndexMap<String, Row> {
        let path = folder.join(NAME);
        let file = read(&path);
        // The arguments of a call beside others name its folder.
        if !file.args.is_empty() && path == self.path {
            self.args = file.args;
        }
        if !file.metadata.is_empty() {
            self.metadata = file.metadata;
        }
        let mut rows = IndexMap::new();
        for row in file.results {
            let Some(id) = row
                .get("unique_id")
                .and_then(Value::as_str)
                .map(str::to_owned)
            else {
                continue;
            };
            if is_hook(&id) && hooks.is_none_or(|kinds| kinds.has(&id)) {
                self.keep_hook(&id, &row);
            }
            rows.insert(id, row);
        }
        rows
    }

    /// Takes the rows of the hooks that a call without nodes ran, of its own folder. Returns their
    /// results.
    pub(crate) fn take_hooks(&mut self, target: &Path, hooks: Kinds) -> Vec<NodeResult> {
        let mut results = Vec::new();
        for row in read(&target.join(NAME)).results {
            let id = row.get("unique_id").and_then(Value::as_str);
            let Some(id) = id.filter(|id| is_hook(id) && hooks.has(id)) else {
                continue;
            };
            self.keep_hook(id, &row);
            results.push(from_row(id, &row));
        }
        forget(target);
        results
    }

    fn keep_hook(&mut self, id: &str, row: &Row) {
        if self.hooks.get(id).is_none_or(|known| !has_failed(known)) {
            self.hooks.insert(id.to_owned(), row.clone());
        }
    }

    /// Returns the results of the hooks that failed.
    pub(crate) fn failed_hooks(&self) -> Vec<NodeResult> {
        let failed = self.hooks.iter().filter(|(_, row)| has_failed(row));
        failed.map(|(id, row)| from_row(id, row)).collect()
    }

    /// Writes the file with the results of all nodes, in the order in which they ended. `host_args`
    /// are the arguments that calls of dbt did not get.
    pub(crate) fn write<'a>(
        &self,
        rows: impl Iterator<Item = &'a Row>,
        invocation_id: &str,
        host_args: &Map<String, Value>,
    ) -> io::Result<()> {
        let mut metadata = self.metadata.clone();
        metadata.insert("generated_at".to_owned(), rfc3339(Timestamp::now()).into());
        metadata.insert("invocation_id".to_owned(), invocation_id.into());
        if metadata.contains_key("invocation_started_at") {
            metadata.insert(
                "invocation_started_at".to_owned(),
                rfc3339(self.began).into(),
            );
        }
        let hooks = self.hooks.values().map(complete);
        let rows: Vec<_> = hooks.chain(rows.map(complete)).collect();
        let mut args = self.args.clone();
        args.extend(host_args.clone());
        let content = json!({
            "metadata": metadata,
            "results": rows,
            "elapsed_time": self.started.elapsed().as_secs_f64(),
            "args": args,
        });
        let (root, name) = Root::of(&self.path)?;
        root.write(name, &serde_json::to_vec(&content)?).map(drop)
    }
}

fn read(path: &Path) -> File {
    let text = fal_files::read(path, LARGEST).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Returns the row of a node that the host ran or skipped.
pub(crate) fn row_of(result: &NodeResult) -> Row {
    let mut row = match serde_json::to_value(result) {
        Ok(Value::Object(row)) => row,
        _ => Row::new(),
    };
    // Only the host's interface has it by that name.
    row.shift_remove("rows_affected");
    row
}

fn complete(row: &Row) -> Row {
    let mut whole = blank_row();
    for (name, value) in row {
        if !value.is_null() || !whole.contains_key(name) {
            whole.insert(name.clone(), value.clone());
        }
    }
    whole
}

fn has_failed(row: &Row) -> bool {
    !matches!(
        row_status(row),
        Some(NodeStatus::Success | NodeStatus::Skipped | NodeStatus::NoOp)
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn write(folder: &Path, results: &Value) {
        let content = json!({ "results": results, "args": { "which": "run", "x": 1 } });
        fs::write(folder.join("run_results.json"), content.to_string()).unwrap();
    }

    fn written(folder: &Path) -> Value {
        let text = fs::read(folder.join("run_results.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn calls_make_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut file = RunResults::new(folder, Map::new(), Map::new());
        let mut take = |results: Value| {
            write(folder, &results);
            let ids: Vec<_> = file.take(folder, None).into_keys().collect();
            (ids, file.failed_hooks().len())
        };
        let hook = |status| json!({ "unique_id": "operation.shop.h", "status": status });
        let all = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        let a = json!({ "unique_id": "a", "status": "success" });
        assert_eq!(
            take(json!([hook("success"), a])),
            (all(&["operation.shop.h", "a"]), 0)
        );
        assert_eq!(
            take(json!([hook("error")])),
            (all(&["operation.shop.h"]), 1)
        );
        assert_eq!(
            take(json!([hook("success"), { "status": "success" }])),
            (all(&["operation.shop.h"]), 1)
        );
        forget(folder);
        assert!(file.take(folder, None).is_empty());
        let mut row = row_of(&NodeResult::new("a", NodeStatus::Success));
        row.insert("new_in_dbt".to_owned(), 1.into());
        let host_args = Map::from_iter([("select".to_owned(), json!(["a+"]))]);
        file.write([&row].into_iter(), "id", &host_args).unwrap();
        let written = written(folder);
        assert_eq!(written["args"]["select"], json!(["a+"]));
        assert_eq!(written["args"]["x"], 1);
        assert_eq!(written["metadata"]["invocation_id"], "id");
        let rows = written["results"].as_array().unwrap();
        assert_eq!(
            (&rows[0]["unique_id"], &rows[0]["status"]),
            (&json!("operation.shop.h"), &json!("error"))
        );
        let keys: Vec<_> = rows[1]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(keys.join(" "), "status timing thread_id execution_time adapter_response message failures unique_id compiled compiled_code relation_name batch_results new_in_dbt");
    }

    #[test]
    fn a_file_that_is_cut_off_has_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = RunResults::new(folder.path(), Map::new(), Map::new());
        let whole = json!({ "results": [{ "unique_id": "a", "status": "success" }] }).to_string();
        for length in 0..whole.len() {
            fs::write(folder.path().join("run_results.json"), &whole[..length]).unwrap();
            assert!(
                file.take(folder.path(), None).is_empty(),
                "{}",
                &whole[..length]
            );
        }
    }

    #[test]
    fn a_link_in_its_place_is_replaced_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, "theirs").unwrap();
        symlink("theirs", folder.path().join("run_results.json")).unwrap();
        let file = RunResults::new(folder.path(), Map::new(), Map::new());
        file.write(std::iter::empty(), "id", &Map::new()).unwrap();
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
        assert_eq!(written(folder.path())["results"], json!([]));
    }
}
