//! `hooks`: the scripts of models by themselves, after or before a run.

mod chain;
mod choice;
mod error;
mod last_run;

use std::{collections::HashSet, sync::Arc, time::Instant};

use fal_graph::{Criteria, Dag, Schedule, ScheduleOptions};
use fal_plugin::payload::{BeginRequest, LogLevel};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;

pub use self::error::HooksError;
use self::{choice::Choice, last_run::LastRun};
use crate::{
    error::HostError,
    faults::{About, emit},
    interrupt::Interrupt,
    project::Project,
    run::{
        RunOutcome, announce,
        dispatch::{Dispatcher, Ended},
        plan::Plan,
        record::{self, KnownDurations},
    },
    scripts::Attached,
    session::{Loaded, OpenSession},
};

/// dbt's command that the session stands for.
const COMMAND: &str = "hooks";

/// Whose scripts to run, and which.
#[derive(Clone, Debug, Default)]
pub struct HooksOptions {
    /// The selection of models.
    pub criteria: Criteria,
    /// `--all`: of all models, whatever the last run did.
    pub all: bool,
    /// `--before`: pre-hooks and before-scripts.
    pub before: bool,
    /// `--globals`: global scripts in spite of a selection.
    pub globals: bool,
    /// `--scripts`: only these scripts, as written in schema files.
    pub scripts: Vec<String>,
}

impl HooksOptions {
    /// Whether the user selects models.
    fn selects(&self) -> bool {
        !self.criteria.select.is_empty()
            || !self.criteria.exclude.is_empty()
            || self.criteria.selector.is_some()
    }
}

/// Runs scripts and hooks. Without `--target` it takes the target of the last run.
///
/// # Errors
/// If the command, the project or a plugin is wrong. A script that fails is an outcome.
pub fn hooks(
    mut project: Project,
    options: &HooksOptions,
    reporters: &Arc<Reporters>,
    interrupt: &Interrupt,
) -> Result<RunOutcome, HostError> {
    let began = Instant::now();
    let last_run = last_run(&project, options)?;
    project.prefer_target(last_run.as_ref().and_then(|run| run.target.clone()));
    let session = OpenSession::open(&project, COMMAND, true, reporters, interrupt)?;
    let generated = project.prepare()?;
    record::events(&project.dbt.target_path, reporters)?;
    announce::stubs(&generated, reporters);
    let loaded = session.load(&project, &generated)?;
    let run = HooksRun {
        project: &project,
        options,
        last_run,
        session,
        loaded,
        began,
    };
    run.finish_all(interrupt)
}

/// The last run; it must be there where nothing else says what to run.
fn last_run(project: &Project, options: &HooksOptions) -> Result<Option<LastRun>, HooksError> {
    if options.all && options.selects() {
        return Err(HooksError::AllWithSelection);
    }
    let path = project.dbt.target_path.join("run_results.json");
    match LastRun::read(&path)? {
        None if !options.all && !options.before && !options.selects() => {
            Err(HooksError::NoLastRun { path })
        }
        found => Ok(found),
    }
}

struct HooksRun<'a> {
    project: &'a Project,
    options: &'a HooksOptions,
    last_run: Option<LastRun>,
    session: OpenSession,
    loaded: Loaded,
    began: Instant,
}

impl HooksRun<'_> {
    fn finish_all(self, interrupt: &Interrupt) -> Result<RunOutcome, HostError> {
        let chosen = self.choose()?;
        self.session.learn_more_names(chosen.scripts());
        let scripts: Vec<&Attached> = chosen.scripts().collect();
        let dag = chain::dag(&self.loaded.info.project_name, &chosen.phases)?;
        let plan = Plan::of_scripts(self.project, &dag, &scripts)?;
        announce::start(&self.session, &self.loaded, COMMAND, None, plan.total);
        chosen
            .warnings
            .iter()
            .for_each(|warning| self.session.log(LogLevel::Warn, warning.clone()));
        let durations =
            KnownDurations::load(&self.project.dbt.target_path, &self.session.reporters);
        let request = BeginRequest {
            selected: Vec::new(),
            scripts: scripts.iter().map(|attached| attached.id.clone()).collect(),
            environments: plan.environments.clone(),
        };
        match self.session.begin(&request) {
            Ok(()) | Err(HostError::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let ended = self.dispatch(&dag, &plan, &durations, interrupt);
        let closed = self.session.close(ended.interrupted);
        let elapsed = self.began.elapsed().as_secs_f64();
        self.session.reporters.emit(
            Timestamp::now(),
            EventKind::RunFinished {
                summary: ended.summary,
                elapsed,
            },
        );
        if let Err(error) = durations.save(|_| true) {
            self.session.log(LogLevel::Warn, error.to_string());
        }
        match ended.broken {
            _ if ended.interrupted => Ok(RunOutcome::Interrupted),
            Some(error) => Err(error.into()),
            None if ended.summary.error > 0 => Ok(RunOutcome::Failed),
            None => closed.map(|_| RunOutcome::Succeeded),
        }
    }

    fn choose(&self) -> Result<choice::Chosen, HostError> {
        let selected = match self.options.selects() {
            true => Some(
                self.session
                    .select(&self.loaded, &self.options.criteria)?
                    .nodes,
            ),
            false => None,
        };
        let choice = Choice {
            project: &self.project.dbt,
            loaded: &self.loaded,
            options: self.options,
            selected: selected.as_ref(),
            last_run: self.last_run.as_ref(),
        };
        let chosen = choice.choose()?;
        // Hooks of a model run without it: what is wrong with its own file does not concern them.
        let meant: HashSet<&str> = choice.meant().into_iter().collect();
        let concerns = |about: &About| matches!(about, About::Scripts(model) if meant.contains(model.as_str()));
        self.loaded
            .faults
            .settle(&self.session.reporters, concerns)?;
        chosen
            .problems
            .iter()
            .for_each(|problem| emit(&self.session.reporters, problem));
        Ok(chosen)
    }

    fn dispatch(
        &self,
        dag: &Dag,
        plan: &Plan,
        durations: &KnownDurations,
        interrupt: &Interrupt,
    ) -> Ended {
        let scripts = dag
            .nodes()
            .map(|(id, _)| id)
            .filter(|id| plan.is_script(*id))
            .collect();
        let duration = |node: &fal_graph::Node| durations.seconds(node.unique_id());
        let options = ScheduleOptions {
            duration: Some(&duration),
            ..ScheduleOptions::default()
        };
        let schedule = Schedule::new(dag, &scripts, options);
        let threads = self.loaded.info.threads as usize;
        let session = &self.session;
        Dispatcher::new(
            dag,
            plan,
            schedule,
            &session.session,
            &session.reporters,
            threads,
        )
        .run(interrupt)
    }
}
