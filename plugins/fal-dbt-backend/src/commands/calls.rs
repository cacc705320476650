//! Calls of dbt: a parse, and runs of many nodes.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Weak},
};

use fal_plugin::{
    payload::{LogLevel, NodeResult},
    PluginError,
};
use indexmap::IndexMap;
use parking_lot::Mutex;
use serde_json::json;

use super::{
    arguments,
    call::{Ended, Line},
    outcome::{row_status, Outcome, Row},
    places,
    plan::went_well,
    run_hooks,
    run_results::{self, row_of},
    schedule::{Batch, Caller, Ear, Progress},
    state::Inner,
    turns::DbtsTurn,
};
use crate::{cancel, error::AskError, result};

impl Inner {
    /// Has dbt parse the project. Returns the version of the adapter, where dbt names it.
    pub(super) fn parse(self: &Arc<Self>) -> Result<String, AskError> {
        let version = Arc::new(Mutex::new(String::new()));
        let (inner, heard) = (Arc::clone(self), Arc::clone(&version));
        let words = arguments::parse(&self.request);
        let ended = self.program.call(&words, move |line| {
            if let Line::Event(event) = &line {
                if let Some(version) = &event.adapter_version {
                    version.clone_into(&mut heard.lock());
                }
                // The error of a failed parse has them.
                if event.level == LogLevel::Error {
                    return;
                }
            }
            inner.show(&line, false);
        })?;
        if ended.failure.is_some() {
            return Err(AskError::Answered(error_of(&ended)));
        }
        let version = version.lock().clone();
        Ok(version)
    }

    /// Runs one call of dbt.
    pub(super) fn call(
        self: &Arc<Self>,
        place: usize,
        begin: &mut dyn FnMut() -> Batch,
        early: &Ear,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError> {
        let (loaded, begun) = (self.loaded()?, self.begun()?);
        let (project, of_calls, plan) = (&loaded.project, &begun.of_calls, &begun.schedule.plan);
        let manifest = &project.manifest;
        let turn = self.dbts_turn()?;
        let target = Path::new(&project.settings.target_path);
        let folder = places::make(target, place).map_err(|cause| {
            let message = format!(
                "{} cannot hold the artifacts of a further call of dbt: {cause}",
                target.display()
            );
            PluginError::new("dbt::artifacts", message)
        })?;
        let Batch {
            nodes: batch,
            before,
            threads,
        } = begin();
        let is_over = |node: &String| batch.contains(node) || before.contains_key(node);
        let hooks = of_calls.hooks.as_ref();
        let hooks = hooks.map(|hooks| {
            let is_last = run_hooks::is_last(plan, &begun.request, is_over);
            (hooks, hooks.of_call(is_last))
        });
        run_results::forget(&folder);
        let names: Vec<_> = batch.iter().map(String::as_str).collect();
        self.log(
            LogLevel::Debug,
            "Batch",
            format!("a call of dbt: {}", names.join(", ")),
        );
        let nodes = || {
            batch
                .iter()
                .filter_map(|unique_id| manifest.node(unique_id))
        };
        let selectors = nodes().map(|node| arguments::selector(node, manifest.is_in_project(node)));
        // `build` runs a unit test only ahead of its model.
        let all_unit_tests = nodes().all(|node| node.resource_type() == "unit_test");
        let command = if all_unit_tests {
            "test"
        } else {
            arguments::command_of(&self.request)
        };
        let mut request = of_calls.request.clone();
        request.threads = threads.or(request.threads);
        if place > 0 {
            request.target_path = Some(folder.display().to_string());
        }
        let words = arguments::run(&request, command, selectors.collect());
        let heard = Arc::new(Mutex::new(HashMap::new()));
        let env = of_calls.env(hooks.map(|(_, kinds)| kinds.words()));
        let ended = self.program.call_with(&words, &env, {
            let (inner, early, heard, batch) = (
                Arc::clone(self),
                Arc::clone(early),
                Arc::clone(&heard),
                batch.clone(),
            );
            move |line| {
                // Errors are in the results.
                if !matches!(&line, Line::Event(event) if event.level == LogLevel::Error) {
                    inner.show(&line, true);
                }
                let Line::Event(event) = line else { return };
                if event.starts_node() {
                    early(Progress::Begun);
                }
                let Some(result) = event.result else { return };
                if went_well(result.status) && batch.contains(&result.unique_id) {
                    let mut results = inner.results.lock();
                    results.insert(&result.unique_id, row_of(&result));
                    drop(results);
                    early(Progress::Result(Box::new(result.clone())));
                }
                heard.lock().insert(result.unique_id.clone(), result);
            }
        });
        let rows = self
            .results
            .lock()
            .file
            .as_mut()
            .map(|file| file.take(&folder, hooks.map(|(_, kinds)| kinds)))
            .unwrap_or_default();
        drop(turn);
        let ended = ended?;
        if self.cancel.is_set() && rows.is_empty() {
            return Err(cancel::interrupted());
        }
        if let Some(parsed) = loaded.parsed.as_ref().filter(|_| place == 0) {
            // dbt has written the manifest anew.
            parsed.keep(&loaded.adapter_version);
        }
        let heard = heard.lock();
        if let Some((hooks, _)) = hooks {
            Self::heard_of_hooks(project, hooks, heard.values());
        }
        let outcome = Outcome {
            batch: &batch,
            ended: &ended,
            rows: &rows,
            heard: &heard,
            plan,
            manifest,
            before: &before,
        };
        let results = outcome.results();
        if let Some(message) = outcome
            .failure_of_none(&results)
            .filter(|_| !self.cancel.is_set())
        {
            let problem = result::failure("dbt", message);
            self.results.lock().problems.push(problem);
        }
        self.keep(&results, &rows);
        self.show_other_errors(&ended, &results);
        Ok(results)
    }

    /// Waits for dbt's turn at the database, which the worker closes.
    pub(super) fn dbts_turn(&self) -> Result<DbtsTurn<'_>, AskError> {
        let turn = self.loaded()?.turns.dbt(|| {
            if let Some(worker) = self.running_worker() {
                // A worker that cannot answer has ended, and its database with it.
                let _ = worker.command("release", &json!({}));
            }
        });
        turn.map_err(AskError::Answered)
    }

    /// Shows the errors of a call that no result has.
    pub(super) fn show_other_errors(&self, ended: &Ended, results: &BTreeMap<String, NodeResult>) {
        let problems = self.results.lock().problems.clone();
        let messages: Vec<_> = (results.values().chain(&problems))
            .filter_map(|result| result.message.as_deref())
            .collect();
        for said in ended.errors.iter().filter(|said| said.node.is_none()) {
            if !messages
                .iter()
                .any(|message| message.contains(&said.message))
            {
                self.log(LogLevel::Error, "Generic", said.message.clone());
            }
        }
    }

    /// Keeps the results of a call for run_results.json.
    pub(super) fn keep(
        &self,
        results: &BTreeMap<String, NodeResult>,
        rows: &IndexMap<String, Row>,
    ) {
        let ordered = rows.keys().filter_map(|unique_id| results.get(unique_id));
        let without_row = results
            .values()
            .filter(|result| !rows.contains_key(&result.unique_id));
        for result in ordered.chain(without_row) {
            let row = rows.get(&result.unique_id);
            let row = row
                .filter(|row| row_status(row) == Some(result.status))
                .cloned();
            let mut row = row.unwrap_or_else(|| row_of(result));
            if let Some(message) = &result.message {
                row.insert("message".to_owned(), message.as_str().into());
            }
            self.results.lock().insert(&result.unique_id, row);
        }
    }
}

/// Calls of an engine that may be gone.
pub(super) struct Calls(pub(super) Weak<Inner>);

impl Caller for Calls {
    fn call(
        &self,
        place: usize,
        begin: &mut dyn FnMut() -> Batch,
        early: &Ear,
    ) -> Result<BTreeMap<String, NodeResult>, PluginError> {
        let inner = self.0.upgrade().ok_or_else(cancel::interrupted)?;
        inner.call(place, begin, early)
    }
}

/// Returns dbt's error with the code that its words mean.
pub(super) fn error_of(ended: &Ended) -> PluginError {
    let message = ended.message();
    let kinds = ended.errors.iter().filter_map(|said| said.kind.as_deref());
    let words: Vec<_> = kinds.chain([message.as_str()]).collect();
    let codes = [
        ("Could not find profile", "dbt::profile"),
        ("Credentials in profile", "dbt::profile"),
        ("Profile", "dbt::profile"),
        ("Found a cycle", "dbt::cycle"),
        ("Cycl", "dbt::cycle"),
        ("Parsing Error", "dbt::parse"),
        ("Yaml", "dbt::parse"),
        ("Syntax", "dbt::parse"),
        ("Jinja", "dbt::compile"),
        ("Compilation Error", "dbt::compile"),
        ("DbDriver", "dbt::database"),
        ("Database Error", "dbt::database"),
    ];
    let code = codes
        .iter()
        .find(|(said, _)| words.iter().any(|words| words.contains(said)));
    let help = refused_key(&message);
    let error = PluginError::new(code.map_or("dbt::error", |(_, code)| code), message);
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}

/// Returns what to write instead of a key that dbt-core 1.x lets pass and dbt 2 refuses.
fn refused_key(message: &str) -> Option<&'static str> {
    let known = [
        (
            "fal_environment",
            "dbt 2 takes it below `meta`: dbt.config(meta={\"fal\": {\"environment\": ...}})",
        ),
        ("meta", "dbt 2 takes `meta` below `config`: `config: {meta: ...}`"),
        (
            "fal",
            "dbt 2 takes no global scripts (`fal:` at the top of a schema file): use scripts and hooks of models",
        ),
    ];
    let refuses = |key: &str| message.contains(&format!("Ignored unexpected key `\"{key}\"`"));
    let found = known.into_iter().find(|(key, _)| refuses(key));
    found.map(|(_, help)| help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_dbt_2_refuses_have_a_remedy() {
        for (key, remedy) in [
            ("meta", Some("below `config`")),
            ("fal_environment", Some("below `meta`")),
            ("fal", Some("global scripts")),
            ("most", None),
        ] {
            let message = format!("Ignored unexpected key `\"{key}\"`. YAML path: `{key}`.");
            let help = refused_key(&message);
            assert_eq!(help.is_some(), remedy.is_some(), "{key}");
            assert!(
                help.unwrap_or_default()
                    .contains(remedy.unwrap_or_default()),
                "{key}"
            );
        }
    }
}
