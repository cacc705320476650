//! `hooks`: the scripts of models by themselves, after or before a run.

mod chain;
mod last_run;
mod selection;

use std::{collections::HashSet, sync::Arc};

use fal_plugin::payload::BeginRequest;
use fal_report::Reporters;

pub use self::{last_run::HooksError, selection::HooksOptions};
use self::{
    last_run::LastRun,
    selection::{ScriptSelection, SelectedScripts},
};
use crate::{
    error::HostError,
    faults::{About, emit},
    interrupt::Interrupt,
    project::Project,
    run::{
        RunOutcome,
        execute::{Work, execute},
        finish::finish,
        open::Opened,
        plan::Plan,
    },
    runners::RunnerSessions,
    scripts::Attachment,
};

/// The command that the session and the reports name.
const COMMAND: &str = "hooks";

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
    let last_run = last_run(&project, options)?;
    project.prefer_target(last_run.as_ref().and_then(|run| run.target.clone()));
    let opened = Opened::new(&project, COMMAND, None, reporters, interrupt)?;
    let work = plan_scripts(&opened, options, last_run.as_ref())?;
    let executed = execute(&opened, work, interrupt)?;
    finish(&opened, executed)
}

/// Reads the last run. It must be there if nothing else says what to run.
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

/// Selects scripts, orders them as a graph, and reads their code.
fn plan_scripts(
    opened: &Opened<'_>,
    options: &HooksOptions,
    last_run: Option<&LastRun>,
) -> Result<Work, HostError> {
    let selected = select(opened, options, last_run)?;
    opened.session.learn_scripts(selected.scripts());
    let scripts: Vec<&Attachment> = selected.scripts().collect();
    let dag = chain::dag(&opened.loaded.info.project_name, &selected.phases)?;
    let plan = Plan::for_scripts(opened.project, &dag, &scripts)?;
    let begin = BeginRequest {
        selected: Vec::new(),
        scripts: scripts.iter().map(|attached| attached.id.clone()).collect(),
        environments: plan.environments.clone(),
    };
    let nodes = dag.nodes().map(|(id, _)| id);
    Ok(Work {
        selected: nodes.filter(|id| plan.is_script(*id)).collect(),
        plan,
        runners: RunnerSessions::default(),
        begin,
        fail_fast: false,
        warnings: selected.warnings,
        writes_results: false,
        scripts: Some(dag),
    })
}

fn select(
    opened: &Opened<'_>,
    options: &HooksOptions,
    last_run: Option<&LastRun>,
) -> Result<SelectedScripts, HostError> {
    let (session, loaded) = (&opened.session, &opened.loaded);
    let models = match options.selects() {
        true => Some(session.select(loaded, &options.criteria)?.nodes),
        false => None,
    };
    let selection = ScriptSelection {
        project: &opened.project.dbt,
        loaded,
        options,
        selected: models.as_ref(),
        last_run,
    };
    let scripts = selection.select()?;
    // Hooks of a model run without it: what is wrong with its own file does not concern them.
    let meant: HashSet<&str> = selection.meant().into_iter().collect();
    let concerns =
        |about: &About| matches!(about, About::Scripts(model) if meant.contains(model.as_str()));
    loaded.faults.settle(&session.reporters, concerns)?;
    for problem in &scripts.problems {
        emit(&session.reporters, problem);
    }
    Ok(scripts)
}
