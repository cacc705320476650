//! Makes OpenLineage's run events of a run's events.

use std::collections::HashMap;

use fal_plugin::payload::{NodeResult, NodeStatus};
use fal_report::{EventKind, Failure, NodeInfo, NodeKind, RunEvent, RunInfo};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    datasets::{Datasets, joined},
    facets::{self, PRODUCER},
};
use crate::variables::Variables;

const SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";

/// The run that started this one, and the first run of all above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    own: RunId,
    root: RunId,
}

/// A run with its job.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RunId {
    namespace: String,
    job: String,
    run: String,
}

impl Parent {
    /// Reads `OPENLINEAGE_PARENT_ID` and `OPENLINEAGE_ROOT_PARENT_ID`: `namespace/job/run`.
    pub(super) fn from_variables(variables: &Variables) -> Result<Option<Self>, String> {
        let read = |name: &str| {
            variables.get(name).map(|text| {
                RunId::parse(text).ok_or_else(|| format!("{name} is not NAMESPACE/JOB/RUN: {text}"))
            })
        };
        let Some(own) = read("OPENLINEAGE_PARENT_ID").transpose()? else {
            return Ok(None);
        };
        let root = read("OPENLINEAGE_ROOT_PARENT_ID").transpose()?;
        let root = root.unwrap_or_else(|| own.clone());
        Ok(Some(Self { own, root }))
    }

    fn facet(&self) -> Value {
        let Self { own, root } = self;
        json!({ "run": own.run(), "job": own.job(), "root": { "run": root.run(), "job": root.job() } })
    }
}

impl RunId {
    fn parse(text: &str) -> Option<Self> {
        let [namespace, job, run] = text.split('/').collect::<Vec<_>>().try_into().ok()?;
        Uuid::parse_str(run).ok()?;
        Some(Self {
            namespace: namespace.to_owned(),
            job: job.to_owned(),
            run: run.to_owned(),
        })
    }

    fn run(&self) -> Value {
        json!({ "runId": self.run })
    }

    fn job(&self) -> Value {
        json!({ "namespace": self.namespace, "name": self.job })
    }
}

/// The events of one command.
pub(super) struct Events {
    namespace: String,
    /// `OPENLINEAGE_DBT_JOB_NAME`.
    job_name: Option<String>,
    parent: Option<Parent>,
    datasets: Datasets,
    info: RunInfo,
    /// The run of the command, once it has begun.
    run: Option<RunId>,
    /// The runs of nodes that have begun, by unique id.
    nodes: HashMap<String, RunId>,
    interrupted: bool,
    /// Nodes that failed.
    failed: u64,
}

impl Events {
    pub(super) fn new(namespace: &str, job_name: Option<&str>, parent: Option<Parent>) -> Self {
        Self {
            namespace: namespace.to_owned(),
            job_name: job_name.map(str::to_owned),
            parent,
            datasets: Datasets::default(),
            info: RunInfo::default(),
            run: None,
            nodes: HashMap::new(),
            interrupted: false,
            failed: 0,
        }
    }

    pub(super) fn project(&mut self, datasets: Datasets) {
        self.datasets = datasets;
    }

    /// Returns the event that tells of this one, if it is one for OpenLineage.
    pub(super) fn of(&mut self, event: &RunEvent) -> Option<Value> {
        match &event.kind {
            EventKind::RunStarted { info } => {
                self.info = info.clone();
                let job = self.job_name.clone();
                let job = job.unwrap_or_else(|| format!("dbt-run-{}", info.project_name));
                self.run = Some(self.new_run(job, event.at));
                Some(self.of_command("START", event.at, None))
            }
            EventKind::NodeStarted { node, .. } => {
                let job = self.job_of(node)?;
                let run = self.new_run(job, event.at);
                self.nodes.insert(node.unique_id.clone(), run);
                Some(self.of_node("START", event.at, node, None))
            }
            EventKind::NodeFinished {
                node,
                result,
                failure,
                ..
            } => {
                self.nodes.get(&node.unique_id)?;
                let kind = match result.status {
                    status if status.is_failure() && self.interrupted => "ABORT",
                    status if status.is_failure() => "FAIL",
                    NodeStatus::Skipped => "ABORT",
                    _ => "COMPLETE",
                };
                Some(self.of_node(kind, event.at, node, Some((result, failure))))
            }
            EventKind::Interrupted { .. } => {
                self.interrupted = true;
                None
            }
            EventKind::RunFinished { summary, .. } => {
                self.failed = summary.error;
                None
            }
            _ => None,
        }
    }

    /// Returns the event of the command's end.
    pub(super) fn end(&mut self, at: Timestamp, error: Option<&str>) -> Option<Value> {
        self.run.as_ref()?;
        let failed = format!("{} nodes failed", self.failed);
        let (kind, message) = match error {
            _ if self.interrupted => ("ABORT", None),
            Some(error) => ("FAIL", Some(error)),
            None if self.failed > 0 => ("FAIL", Some(&*failed)),
            None => ("COMPLETE", None),
        };
        Some(self.of_command(kind, at, message))
    }

    fn new_run(&self, job: String, at: Timestamp) -> RunId {
        let seconds = u64::try_from(at.as_second()).unwrap_or_default();
        let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or_default();
        let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
        RunId {
            namespace: self.namespace.clone(),
            job,
            run: Uuid::new_v7(time).to_string(),
        }
    }

    /// Returns the name of a node's job, as `dbt-ol` gives it; `None` for a node that has none there.
    fn job_of(&self, node: &NodeInfo) -> Option<String> {
        let build = self.info.command == "build";
        let suffix = match node.kind {
            kind if kind.is_model() && build => ".build.run",
            kind if kind.is_model() => "",
            NodeKind::Snapshot if build => ".build.snapshot",
            NodeKind::Snapshot => ".snapshot",
            NodeKind::Seed | NodeKind::Test => return Some(node.unique_id.clone()),
            _ => return None,
        };
        let name = node.unique_id.split_once('.').map_or("", |(_, name)| name);
        let parts = [
            node.database.as_deref().unwrap_or_default(),
            node.schema.as_deref().unwrap_or_default(),
            name,
        ];
        Some(joined(&parts) + suffix)
    }

    fn of_command(&self, kind: &str, at: Timestamp, error: Option<&str>) -> Value {
        let mut facets = self.engine();
        if let Some(parent) = &self.parent {
            facets::add(&mut facets, "parent", parent.facet());
        }
        if let Some(message) = error {
            add_error(&mut facets, message, "sql");
        }
        let mut event =
            json!({ "job": { "facets": job_type("JOB") }, "run": { "facets": facets } });
        event["inputs"] = json!([]);
        event["outputs"] = json!([]);
        complete(event, self.run.as_ref(), kind, at)
    }

    fn of_node(
        &self,
        kind: &str,
        at: Timestamp,
        node: &NodeInfo,
        end: Option<(&NodeResult, &Failure)>,
    ) -> Value {
        let place = self.datasets.get(&node.unique_id);
        let code = place.and_then(|place| place.code.as_deref());
        let result = end.map(|(result, _)| result);
        let mut run = self.engine();
        if let Some(own) = self.run.clone() {
            let root = self
                .parent
                .as_ref()
                .map_or(&own, |parent| &parent.root)
                .clone();
            facets::add(&mut run, "parent", Parent { own, root }.facet());
        }
        if let Some(result) = result.filter(|result| result.status.is_failure()) {
            let language = if code.is_some() { "python" } else { "sql" };
            let message = result.message.as_deref().unwrap_or_default();
            add_error(&mut run, message, language);
        }
        let mut job = job_type(&node.kind.resource_type().to_uppercase());
        if let Some(code) = code {
            let code = json!({ "language": "python", "sourceCode": code });
            facets::add(&mut job, "sourceCode", code);
        } else if let Some(sql) = result.and_then(|result| result.compiled_code.as_deref()) {
            let sql = json!({ "query": sql, "dialect": self.info.adapter });
            facets::add(&mut job, "sql", sql);
        }
        let mut event = json!({ "job": { "facets": job }, "run": { "facets": run } });
        event["inputs"] = self.inputs(node, result).into();
        event["outputs"] = self.outputs(node, kind, result).into();
        complete(event, self.nodes.get(&node.unique_id), kind, at)
    }

    /// Returns what a node reads; of a test with what it found there.
    fn inputs(&self, node: &NodeInfo, result: Option<&NodeResult>) -> Vec<Value> {
        let mut inputs = self.datasets.inputs(&node.unique_id);
        let place = self.datasets.get(&node.unique_id);
        let assertion = place.and_then(|place| place.assertion.as_ref());
        let (Some((name, column)), Some(result)) = (assertion, result) else {
            return inputs;
        };
        let mut found = json!({ "assertion": name, "success": result.status == NodeStatus::Pass });
        if let Some(column) = column {
            found["column"] = column.as_str().into();
        }
        // A test of relationships reads two relations, and is about the one that it is attached to.
        let attached = node.attached_node.as_deref();
        let about = attached.and_then(|id| self.datasets.get(id)?.dataset.as_deref());
        for input in &mut inputs {
            if about.is_none_or(|about| input["name"] == about) {
                let facet = json!({ "assertions": [found] });
                input["inputFacets"] = facets::one("dataQualityAssertions", facet);
            }
        }
        inputs
    }

    /// Returns what a node writes; nothing if it failed.
    fn outputs(&self, node: &NodeInfo, kind: &str, result: Option<&NodeResult>) -> Vec<Value> {
        if matches!(kind, "FAIL" | "ABORT") || node.kind.is_test() {
            return Vec::new();
        }
        let mut outputs = Vec::from_iter(self.datasets.dataset(&node.unique_id));
        if let Some(rows) = result.and_then(|result| result.rows_affected) {
            for output in &mut outputs {
                let facet = json!({ "rowCount": rows });
                output["outputFacets"] = facets::one("outputStatistics", facet);
            }
        }
        outputs
    }

    fn engine(&self) -> Value {
        let engine = json!({
            "version": self.info.dbt_version,
            "name": "dbt",
            "openlineageAdapterVersion": env!("CARGO_PKG_VERSION"),
        });
        facets::one("processing_engine", engine)
    }
}

fn add_error(facets: &mut Value, message: &str, language: &str) {
    let error = json!({ "message": message, "programmingLanguage": language });
    facets::add(facets, "errorMessage", error);
}

fn job_type(kind: &str) -> Value {
    let facet = json!({ "processingType": "BATCH", "integration": "DBT", "jobType": kind });
    facets::one("jobType", facet)
}

/// Adds what every event has.
fn complete(mut event: Value, run: Option<&RunId>, kind: &str, at: Timestamp) -> Value {
    if let Some(run) = run {
        event["run"]["runId"] = run.run.as_str().into();
        event["job"]["namespace"] = run.namespace.as_str().into();
        event["job"]["name"] = run.job.as_str().into();
    }
    event["eventType"] = kind.into();
    event["eventTime"] = format!("{at:.6}").into();
    event["producer"] = PRODUCER.into();
    event["schemaURL"] = SCHEMA.into();
    event
}
