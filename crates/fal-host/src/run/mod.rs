//! `run`: everything from the project's files to the end of its last node.

mod dispatch;
mod plan;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::BufWriter,
    path::Path,
    sync::Arc,
    time::Instant,
};

use fal_graph::{Criteria, NodeKind, Schedule, ScheduleOptions};
use fal_plugin::payload::{LogLevel, NodeStatus};
use fal_project::{Generated, ModelFile};
use fal_report::{Durations, EventKind, JsonReporter, NodeInfo, Reporters, RunInfo, RunResults, Summary};
use jiff::Timestamp;

use self::{dispatch::Dispatcher, plan::Plan};
use crate::{
    error::HostError,
    interrupt::Interrupt,
    project::Project,
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
    let generated = project.generate(false)?;
    prepare_state_dir(&project.dbt.state_dir())?;
    record_events(&project.dbt.state_dir(), reporters)?;
    announce_stubs(&generated, reporters);
    let loaded = session.load(&generated.models)?;
    let run = Run { project, options, session, loaded, models: generated.models, began };
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
        let selection = self.session.select(&self.loaded, &self.options.criteria)?;
        let plan = Plan::new(dag, &selection.nodes, &self.models)?;
        self.announce(plan.total);
        if plan.total == 0 {
            self.session.log(LogLevel::Warn, "Nothing to do: no node matches the selection".to_owned());
        }
        let planned: Vec<NodeInfo> = selection.nodes.iter().map(|id| plan.info(dag, id)).collect();
        let results = RunResults::from_session(&self.loaded.info, planned).shared();
        self.session.reporters.add(Arc::clone(&results));
        let durations = self.durations();

        let selected = selection.ids(dag).into_iter().map(str::to_owned).collect();
        match self.session.begin(selected) {
            // The dispatcher skips all nodes, and the artifacts say so.
            Ok(()) | Err(HostError::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let schedule = self.schedule(&selection.nodes, &durations);
        let threads = self.loaded.info.threads as usize;
        let dispatcher = Dispatcher::new(dag, &plan, schedule, &self.session.session, &self.session.reporters, threads);
        let mut ended = dispatcher.run(interrupt);

        let artifact = Path::new(&self.loaded.info.target_path).join("run_results.json");
        let write = || {
            let results = results.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            results.write(&artifact, Timestamp::now())
        };
        if ended.interrupted {
            // The session's end may be cut short. If it is not, the session writes this file once more.
            write()?;
        }
        let closed = self.session.close(ended.interrupted);
        let failed_hooks = closed.as_ref().map(|closed| closed.failed_hooks.clone()).unwrap_or_default();
        for hook in &failed_hooks {
            ended.summary.add(NodeStatus::Error);
            let message = hook.message.clone().unwrap_or_default();
            self.session.log(LogLevel::Error, format!("{} failed: {message}", hook.unique_id));
        }
        self.finish(ended.summary, &durations);
        if !closed.as_ref().is_ok_and(|closed| closed.artifacts_written) {
            write()?;
        }
        match ended.broken {
            _ if ended.interrupted => Ok(RunOutcome::Interrupted),
            Some(error) => Err(error.into()),
            None if ended.summary.error > 0 => Ok(RunOutcome::Failed),
            None => closed.map(|_| RunOutcome::Succeeded),
        }
    }

    fn schedule(&self, selected: &fal_graph::NodeSet, durations: &SharedDurations) -> Schedule {
        let known = durations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let duration = |node: &fal_graph::Node| known.seconds(node.unique_id());
        let options = ScheduleOptions {
            duration: Some(&duration),
            does_nothing: Some(&plan::does_nothing),
            fail_fast: self.options.fail_fast,
        };
        Schedule::new(&self.loaded.dag, selected, options)
    }

    /// How long nodes took before; a record that cannot be read only costs a good order.
    fn durations(&self) -> SharedDurations {
        let durations = Durations::load(&self.durations_file()).unwrap_or_default().shared();
        self.session.reporters.add(Arc::clone(&durations));
        durations
    }

    fn durations_file(&self) -> std::path::PathBuf {
        self.project.dbt.state_dir().join("durations.json")
    }

    fn announce(&self, total: u64) {
        let info = &self.loaded.info;
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (_, node) in self.loaded.dag.nodes() {
            *found.entry(kind_in_words(node.kind())).or_default() += 1;
        }
        let info = RunInfo {
            command: self.options.command.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            dbt_version: info.dbt_version.clone(),
            adapter: info.adapter.clone(),
            adapter_version: info.adapter_version.clone(),
            project_name: info.project_name.clone(),
            target_name: info.target_name.clone(),
            threads: info.threads,
            invocation_id: info.invocation_id.clone(),
            found,
            total,
        };
        self.session.reporters.emit(Timestamp::now(), EventKind::RunStarted { info });
    }

    fn finish(&self, summary: Summary, durations: &SharedDurations) {
        let elapsed = self.began.elapsed().as_secs_f64();
        self.session.reporters.emit(Timestamp::now(), EventKind::RunFinished { summary, elapsed });
        let mut durations = durations.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        durations.retain(|id| self.loaded.dag.find(id).is_some());
        if let Err(error) = durations.save(&self.durations_file()) {
            self.session.log(LogLevel::Warn, error.to_string());
        }
    }
}

fn kind_in_words(kind: NodeKind) -> String {
    match kind {
        NodeKind::Sql => "model".to_owned(),
        NodeKind::Python | NodeKind::Notebook => format!("{} model", kind.as_str()),
        other => other.as_str().replace('_', " "),
    }
}

type SharedDurations = Arc<std::sync::Mutex<Durations>>;

fn prepare_state_dir(folder: &Path) -> Result<(), HostError> {
    fs::create_dir_all(folder).map_err(|source| HostError::Write { path: folder.display().to_string(), source })
}

/// The record of this run, for those who come later.
fn record_events(folder: &Path, reporters: &Reporters) -> Result<(), HostError> {
    let path = folder.join("events.jsonl");
    let file = File::create(&path).map_err(|source| HostError::Write { path: path.display().to_string(), source })?;
    reporters.add(JsonReporter::new(Box::new(BufWriter::new(file)), ""));
    Ok(())
}

fn announce_stubs(generated: &Generated, reporters: &Reporters) {
    let problems = generated.warnings.iter().flat_map(crate::problems::of);
    for problem in problems {
        reporters.emit(Timestamp::now(), EventKind::Problem { problem: Box::new(problem) });
    }
    let kind = EventKind::StubsWritten {
        written: generated.written.clone(),
        removed: generated.removed.clone(),
        unchanged: generated.unchanged as u64,
        ignore_changed: generated.dbtignore_changed,
    };
    reporters.emit(Timestamp::now(), kind);
}
