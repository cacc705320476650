//! `run`: everything from the project's files to the end of its last node.

pub(crate) mod announce;
pub(crate) mod dispatch;
#[cfg(test)]
pub(crate) mod fake;
mod lending;
pub(crate) mod plan;
pub(crate) mod record;
mod result;
mod retry;
mod selection;
mod slots;
mod task;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use fal_graph::{Criteria, NodeSet, Schedule, ScheduleOptions};
use fal_plugin::payload::{BeginRequest, LogLevel, NodeStatus};
use fal_project::{LOCAL, ModelFile};
use fal_report::{EventKind, NodeInfo, Reporters, RunResults, Summary};
use jiff::Timestamp;

pub(crate) use self::plan::tested_python;
pub use self::retry::{Retry, RetryError};
use self::{dispatch::Dispatcher, plan::Plan, record::KnownDurations, selection::Choice};
use crate::{
    error::HostError,
    faults::Concerned,
    interrupt::Interrupt,
    project::Project,
    runners::{Fleet, Muster, Routing, runner_version},
    session::{Loaded, OpenSession},
};

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// dbt's command that this stands for.
    pub command: String,
    /// The selection.
    pub criteria: Criteria,
    /// `--fail-fast`.
    pub fail_fast: bool,
    /// Just these nodes, by unique id, whatever the selection says.
    pub only: Option<BTreeSet<String>>,
    /// `--runner`: where all Python models go, by name or path; `local` means where dbt runs.
    pub runner: Option<String>,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunOutcome {
    /// All nodes ran well, or none was selected.
    Succeeded,
    /// Some node failed.
    Failed,
    /// The user stopped the run.
    Interrupted,
}

/// Runs nodes.
///
/// # Errors
/// If the command, the project or a plugin is wrong. A node that fails is an outcome.
pub fn run(
    project: &Project,
    options: &RunOptions,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<RunOutcome, HostError> {
    let began = Instant::now();
    // First of all, as it takes longest: the backend warms up while the project is read.
    let session = OpenSession::open(project, &options.command, true, reporters, interrupt)?;
    // A mistake of the command line is told at once, and not when dbt has read the project.
    options
        .runner
        .as_deref()
        .filter(|runner| *runner != LOCAL)
        .map(|runner| runner_version(project, runner))
        .transpose()?;
    // Also of a run whose project is refused: `retry` must know that it had no results.
    record::events(&project.dbt.target_path, reporters)?;
    let generated = project.prepare()?;
    announce::stubs(&generated, reporters);
    let loaded = session.load(project, &generated)?;
    let run = Run {
        project,
        options,
        session,
        loaded,
        models: generated.models,
        began,
    };
    run.finish_all(interrupt)
}

struct Run<'a> {
    project: &'a Project,
    options: &'a RunOptions,
    session: OpenSession,
    loaded: Loaded,
    models: Vec<ModelFile>,
    began: Instant,
}

impl Run<'_> {
    fn finish_all(self, interrupt: &Interrupt) -> Result<RunOutcome, HostError> {
        let dag = &self.loaded.dag;
        let selected = self.selected()?;
        let routing = Routing::of(
            self.project,
            &self.session,
            &self.loaded,
            self.options.runner.as_deref(),
        )?;
        let muster = Muster::of(
            self.project,
            &self.session.capabilities,
            &routing,
            selected.iter(),
        )?;
        let plan = Plan::new(self.project, &self.loaded, &selected, &self.models, &muster)?;
        let request = self.project.open_request(&self.options.command, true);
        let fleet = Fleet::open(muster, &request, &self.session.events())?;
        let runner = self.options.runner.as_deref();
        announce::start(
            &self.session,
            &self.loaded,
            &self.options.command,
            runner,
            plan.total,
        );
        self.warn(&plan, &routing);
        let artifact = self.artifact(&plan, &selected);
        let durations =
            KnownDurations::load(&self.project.dbt.target_path, &self.session.reporters);

        // Before the owner: where a runner cannot be reached, nothing has happened in the warehouse.
        let begun = fleet.begin(plan.of_runners(dag, fleet.runners().len()), interrupt);
        match begun.and_then(|()| self.session.begin(&self.begin_request(&plan, &selected))) {
            // The dispatcher skips all nodes, and the artifacts say so.
            Ok(()) | Err(HostError::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let schedule = self.schedule(&selected, &durations, &plan, &fleet)?;
        let threads = self.loaded.info.threads as usize;
        let dispatcher = Dispatcher::new(
            dag,
            &plan,
            schedule,
            &self.session.session,
            &self.session.reporters,
            threads,
        );
        let mut ended = dispatcher.with_runners(fleet.runners()).run(interrupt);

        if ended.interrupted {
            // The session's end may be cut short. If it is not, the session writes this file once more.
            artifact.write()?;
        }
        // Nobody waits for the machines of a run that has failed.
        let dismissed = fleet.close(ended.interrupted || ended.broken.is_some());
        let closed = self.session.close(ended.interrupted);
        let failed_hooks = closed
            .as_ref()
            .map(|closed| closed.failed_hooks.clone())
            .unwrap_or_default();
        for hook in &failed_hooks {
            ended.summary.add(NodeStatus::Error);
            let message = hook.message.clone().unwrap_or_default();
            self.session.log(
                LogLevel::Error,
                format!("{} failed: {message}", hook.unique_id),
            );
        }
        self.finish(ended.summary, &durations);
        if !closed.as_ref().is_ok_and(|closed| closed.artifacts_written) {
            artifact.write()?;
        }
        match ended.broken {
            _ if ended.interrupted => Ok(RunOutcome::Interrupted),
            Some(error) => Err(error.into()),
            None if fleet.broken().is_some() => fleet
                .broken()
                .map_or(Ok(RunOutcome::Failed), |error| Err(error.into())),
            None if ended.summary.error > 0 => Ok(RunOutcome::Failed),
            None => closed
                .and(dismissed.map_err(HostError::from))
                .map(|()| RunOutcome::Succeeded),
        }
    }

    /// The nodes to run, none of which has errors.
    fn selected(&self) -> Result<NodeSet, HostError> {
        let selected = Choice {
            session: &self.session,
            loaded: &self.loaded,
            options: self.options,
        }
        .nodes()?;
        let concerned = Concerned::by_selection(&self.loaded, &selected);
        let concerned = match &self.options.only {
            Some(_) => concerned,
            None => {
                concerned.and_unknown(&self.project.dbt, &self.loaded, &self.options.criteria)?
            }
        };
        self.loaded
            .faults
            .settle(&self.session.reporters, |about| concerned.has(about))?;
        Ok(selected)
    }

    fn begin_request(&self, plan: &Plan, selected: &NodeSet) -> BeginRequest {
        let ids = |scripts: bool| {
            let nodes = selected.iter().filter(|id| plan.is_script(*id) == scripts);
            let mut ids: Vec<String> = nodes
                .map(|id| self.loaded.dag.node(id).unique_id().to_owned())
                .collect();
            ids.sort_unstable();
            ids
        };
        BeginRequest {
            selected: ids(false),
            scripts: ids(true),
            environments: plan.environments.clone(),
        }
    }

    fn warn(&self, plan: &Plan, routing: &Routing) {
        routing
            .warnings
            .iter()
            .for_each(|warning| self.session.log(LogLevel::Warn, warning.clone()));
        if plan.total == 0 {
            self.session.log(
                LogLevel::Warn,
                "Nothing to do: no node matches the selection".to_owned(),
            );
        }
        for name in &plan.idle {
            let message = format!(
                "The hooks of {name} do not run: an ephemeral model is only a part of what reads it"
            );
            self.session.log(LogLevel::Warn, message);
        }
    }

    /// run_results.json, should the session not write it.
    fn artifact(&self, plan: &Plan, selected: &NodeSet) -> Artifact {
        let dag = &self.loaded.dag;
        let only_scripts = plan.total > 0 && selected.iter().all(|id| plan.is_script(id));
        if only_scripts {
            return Artifact(None);
        }
        let planned: Vec<NodeInfo> = selected.iter().map(|id| plan.info(dag, id)).collect();
        let results = RunResults::from_session(&self.loaded.info, planned).shared();
        self.session.reporters.add(Arc::clone(&results));
        Artifact(Some((self.loaded.info.target_path.clone().into(), results)))
    }

    fn schedule(
        &self,
        selected: &NodeSet,
        durations: &KnownDurations,
        plan: &Plan,
        fleet: &Fleet,
    ) -> Result<Schedule, HostError> {
        let duration = |node: &fal_graph::Node| durations.seconds(node.unique_id());
        let classes = fleet.classes();
        let class = |node: &fal_graph::Node| {
            let runner = self
                .loaded
                .dag
                .find(node.unique_id())
                .and_then(|id| plan.runner(id));
            runner
                .and_then(|runner| classes.get(runner).copied())
                .unwrap_or_default()
        };
        let options = ScheduleOptions {
            duration: Some(&duration),
            does_nothing: Some(&plan::does_nothing),
            class: Some(&class),
            fail_fast: self.options.fail_fast,
        };
        let dag = &self.loaded.dag;
        // Tests hold nodes back in `build` alone: `run` runs none, and `test` nothing else.
        Ok(match self.options.command.as_str() {
            "build" => Schedule::new(&dag.in_build_order()?, selected, options),
            _ => Schedule::new(dag, selected, options),
        })
    }

    fn finish(&self, summary: Summary, durations: &KnownDurations) {
        let elapsed = self.began.elapsed().as_secs_f64();
        self.session.reporters.emit(
            Timestamp::now(),
            EventKind::RunFinished { summary, elapsed },
        );
        let (dag, attachments) = (&self.loaded.dag, &self.loaded.attachments);
        let exists = |id: &str| dag.find(id).is_some() || attachments.find(id).is_some();
        if let Err(error) = durations.save(exists) {
            self.session.log(LogLevel::Warn, error.to_string());
        }
    }
}

type SharedResults = Arc<parking_lot::Mutex<RunResults>>;

/// The target folder and its run_results.json; none where only scripts run, as that of an earlier run stays.
struct Artifact(Option<(std::path::PathBuf, SharedResults)>);

impl Artifact {
    fn write(&self) -> Result<(), HostError> {
        let Some((target, results)) = &self.0 else {
            return Ok(());
        };
        let results = results.lock();
        Ok(results.write(target, Timestamp::now())?)
    }
}
