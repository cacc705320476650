//! The second stage of `run`: which nodes run, where, and with what code.

use fal_graph::NodeSet;
use fal_plugin::payload::BeginRequest;

use super::{
    concerned::Concerned,
    execute::Work,
    open::Opened,
    plan::Plan,
    selection::{NodeSelection, RunOptions},
};
use crate::{
    error::HostError,
    runners::{Routing, RunnerPlugins, RunnerSessions},
};

/// Selects nodes, reads their code, and opens the sessions of the runners that they go to.
pub(super) fn plan_nodes(opened: &Opened<'_>, options: &RunOptions) -> Result<Work, HostError> {
    let (project, session, loaded) = (opened.project, &opened.session, &opened.loaded);
    let selected = selected_nodes(opened, options)?;
    let routing = Routing::decide(project, session, loaded, opened.runner)?;
    let runners = RunnerPlugins::load(project, &session.capabilities, &routing, selected.iter())?;
    let plan = Plan::new(project, loaded, &selected, &opened.models, &runners)?;
    let request = project.open_request(opened.command, true);
    let runners = RunnerSessions::open(runners, &request, &session.events())?;
    let mut warnings = routing.warnings;
    if plan.total == 0 {
        warnings.push("Nothing to do: no node matches the selection".to_owned());
    }
    warnings.extend(plan.idle.iter().map(|name| {
        format!(
            "The hooks of {name} do not run: an ephemeral model is only a part of what reads it"
        )
    }));
    let only_scripts = plan.total > 0 && selected.iter().all(|id| plan.is_script(id));
    Ok(Work {
        scripts: None,
        begin: begin_request(opened, &plan, &selected),
        plan,
        selected,
        runners,
        fail_fast: options.fail_fast,
        warnings,
        writes_results: !only_scripts,
    })
}

/// Returns the nodes to run. Faults that do not concern them become warnings.
fn selected_nodes(opened: &Opened<'_>, options: &RunOptions) -> Result<NodeSet, HostError> {
    let (session, loaded) = (&opened.session, &opened.loaded);
    let selected = NodeSelection {
        session,
        loaded,
        options,
    }
    .nodes()?;
    let concerned = Concerned::by_selection(loaded, &selected);
    let concerned = match &options.only {
        Some(_) => concerned,
        None => concerned.and_unknown(&opened.project.dbt, loaded, &options.criteria)?,
    };
    loaded
        .faults
        .settle(&session.reporters, |about| concerned.has(about))?;
    Ok(selected)
}

fn begin_request(opened: &Opened<'_>, plan: &Plan, selected: &NodeSet) -> BeginRequest {
    let ids = |scripts: bool| {
        let nodes = selected.iter().filter(|id| plan.is_script(*id) == scripts);
        let mut ids: Vec<String> = nodes
            .map(|id| opened.loaded.dag.node(id).unique_id().to_owned())
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
