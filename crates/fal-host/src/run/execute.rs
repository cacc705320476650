//! The third stage: everything planned runs, and the sessions end.

use std::{collections::BTreeMap, sync::Arc};

use fal_graph::{Dag, Node, NodeKind, NodeSet, Schedule, ScheduleOptions};
use fal_plugin::payload::{BeginRequest, CloseResponse, LogLevel};
use fal_report::{EventKind, NodeInfo, RunInfo, RunResults};
use jiff::Timestamp;

use super::{
    dispatch::{Dispatched, Dispatcher},
    open::Opened,
    plan::Plan,
    record::{Artifact, KnownDurations},
    surroundings::Surroundings,
};
use crate::{
    error::HostError,
    interrupt::Interrupt,
    python_models::does_nothing,
    runners::{RunnerError, RunnerSessions},
};

/// What a command will run.
pub(crate) struct Work {
    /// The graph of scripts that run by themselves, if these run instead of the project's nodes.
    pub(crate) scripts: Option<Dag>,
    pub(crate) plan: Plan,
    /// The nodes to run, of the graph that applies.
    pub(crate) selected: NodeSet,
    /// The sessions of the runners that nodes go to.
    pub(crate) runners: RunnerSessions,
    /// What the session prepares for.
    pub(crate) begin: BeginRequest,
    pub(crate) fail_fast: bool,
    /// What the user should know before the first node starts.
    pub(crate) warnings: Vec<String>,
    /// Whether the command writes `run_results.json`. Where only scripts run, the file of an earlier
    /// run stays.
    pub(crate) writes_results: bool,
}

impl Work {
    fn dag<'a>(&'a self, opened: &'a Opened<'_>) -> &'a Dag {
        self.scripts.as_ref().unwrap_or(&opened.loaded.dag)
    }
}

/// How everything ended.
pub(crate) struct Executed {
    pub(super) nodes: Dispatched,
    /// The first runner that failed while its nodes ran.
    pub(super) broken_runner: Option<RunnerError>,
    /// How the sessions of the runners ended.
    pub(super) runners: Result<(), RunnerError>,
    /// How the session of the backend ended.
    pub(super) session: Result<CloseResponse, HostError>,
    pub(super) artifact: Artifact,
    pub(super) durations: KnownDurations,
    /// Whether the project's own graph ran, and not only scripts by themselves.
    pub(super) ran_graph: bool,
}

/// Runs all nodes to their end, and ends the sessions.
pub(crate) fn execute(
    opened: &Opened<'_>,
    work: Work,
    interrupt: &Interrupt,
) -> Result<Executed, HostError> {
    let (session, reporters) = (&opened.session, &opened.session.reporters);
    let dag = work.dag(opened);
    reporters.project(&Surroundings {
        session,
        info: &opened.loaded.info,
        dag,
        plan: &work.plan,
    });
    report_start(opened, work.plan.total);
    for warning in &work.warnings {
        session.log(LogLevel::Warn, warning.clone());
    }
    let artifact = artifact(opened, &work);
    let durations = KnownDurations::load(&opened.project.dbt.target_path, reporters);

    // The runners before the backend: if one cannot be reached, nothing has happened in the warehouse.
    let of_runners = work.plan.runner_requests(dag, work.runners.runners().len());
    let begun = work.runners.begin(of_runners, interrupt);
    match begun.and_then(|()| session.begin(&work.begin)) {
        // After an interruption the dispatcher skips all nodes, and the artifacts say so.
        Ok(()) | Err(HostError::Interrupted) => {}
        Err(error) => return Err(error),
    }
    let schedule = schedule(opened, &work, &durations)?;
    let threads = opened.loaded.info.threads as usize;
    let nodes = Dispatcher::new(
        dag,
        &work.plan,
        schedule,
        &session.session,
        reporters,
        threads,
    )
    .with_runners(work.runners.runners())
    .run(interrupt);

    if nodes.interrupted {
        // The user may end this process before the session is closed. If the session closes in time, it
        // writes this file once more.
        artifact.write()?;
    }
    // Do not wait for the machines of a run that failed.
    let runners = work
        .runners
        .close(nodes.interrupted || nodes.broken.is_some());
    let closed = session.close(&opened.loaded, nodes.interrupted);
    Ok(Executed {
        nodes,
        broken_runner: work.runners.broken(),
        runners,
        session: closed,
        artifact,
        durations,
        ran_graph: work.scripts.is_none(),
    })
}

/// Reports what the project holds, and how much of it will run.
fn report_start(opened: &Opened<'_>, total: u64) {
    let info = &opened.loaded.info;
    let mut found: BTreeMap<String, u64> = BTreeMap::new();
    for (_, node) in opened.loaded.dag.nodes() {
        *found.entry(kind_in_words(node.kind())).or_default() += 1;
    }
    let info = RunInfo {
        command: opened.command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        dbt_version: info.dbt_version.clone(),
        adapter: info.adapter.clone(),
        adapter_version: info.adapter_version.clone(),
        project_name: info.project_name.clone(),
        target_name: info.target_name.clone(),
        threads: info.threads,
        invocation_id: info.invocation_id.clone(),
        runner: opened.runner.map(str::to_owned),
        found,
        total,
    };
    let reporters = &opened.session.reporters;
    reporters.emit(Timestamp::now(), EventKind::RunStarted { info });
}

fn kind_in_words(kind: NodeKind) -> String {
    match kind {
        NodeKind::Sql => "model".to_owned(),
        NodeKind::Python | NodeKind::Notebook => format!("{} model", kind.as_str()),
        other => other.as_str().replace('_', " "),
    }
}

/// Collects results for `run_results.json`, in case the session does not write it.
fn artifact(opened: &Opened<'_>, work: &Work) -> Artifact {
    if !work.writes_results {
        return Artifact::none();
    }
    let (info, dag) = (&opened.loaded.info, work.dag(opened));
    let planned: Vec<NodeInfo> = work
        .selected
        .iter()
        .map(|id| work.plan.info(dag, id))
        .collect();
    let results = RunResults::from_session(info, planned).shared();
    opened.session.reporters.add(Arc::clone(&results));
    Artifact::new(info.target_path.clone().into(), results)
}

fn schedule(
    opened: &Opened<'_>,
    work: &Work,
    durations: &KnownDurations,
) -> Result<Schedule, HostError> {
    let dag = work.dag(opened);
    let classes = work.runners.classes();
    let duration = |node: &Node| durations.seconds(node.unique_id());
    let class = |node: &Node| {
        let runner = dag
            .find(node.unique_id())
            .and_then(|id| work.plan.runner(id));
        runner
            .and_then(|runner| classes.get(runner).copied())
            .unwrap_or_default()
    };
    let options = ScheduleOptions {
        duration: Some(&duration),
        does_nothing: Some(&does_nothing),
        class: Some(&class),
        fail_fast: work.fail_fast,
    };
    // Tests hold nodes back in `build` alone: `run` runs none, and `test` nothing else.
    Ok(match opened.command {
        "build" => Schedule::new(&dag.in_build_order()?, &work.selected, options),
        _ => Schedule::new(dag, &work.selected, options),
    })
}
