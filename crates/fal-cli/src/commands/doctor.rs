//! `fal-host doctor`: tries every step of a run except running nodes, and says how to repair what fails.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fal_environments::packages_of_module;
use fal_host::{Graph, HostError, Project};
use fal_plugin::manifest::Stage;
use fal_project::{FileDiagnostic, Profile};
use fal_report::Reporters;

use crate::{context::Context, error::CliError, exit::Ended};

/// The outcome of one check.
struct Finding {
    what: &'static str,
    outcome: Result<String, (String, Option<String>)>,
}

pub(super) fn doctor(context: &Context) -> Result<Ended, CliError> {
    let mut findings = Vec::new();
    match Project::open(context.global.project_args()) {
        Ok(project) => look(context, &project, &mut findings),
        Err(error) => findings.push(finding("project", Err(error))),
    }
    let text: String = findings.iter().map(show).collect();
    context.output.data(&text)?;
    context.output.status(&next_step(&findings));
    let well = findings.iter().all(|finding| finding.outcome.is_ok());
    Ok(if well { Ended::Well } else { Ended::Wrong })
}

/// Returns what to do now, one thing: what fails first may be why the rest fails.
fn next_step(findings: &[Finding]) -> String {
    let failed = findings.iter().find_map(|finding| {
        let (_, help) = finding.outcome.as_ref().err()?;
        Some((finding.what, help.as_deref()))
    });
    match failed {
        None => "All is well. Next: `fal-host build`".to_owned(),
        Some((_, Some(help))) => format!("Next: {help}"),
        Some((what, None)) => format!("Next: mend what FAIL says of `{what}`"),
    }
}

fn look(context: &Context, project: &Project, findings: &mut Vec<Finding>) {
    findings.push(finding(
        "project",
        Ok(format!(
            "{} in {}",
            project.dbt.name,
            project.dbt.root.display()
        )),
    ));
    findings.push(finding("profile", profile(context, project)));
    for stage in Stage::ALL {
        findings.push(finding(stage.name(), plugins(project, stage)));
    }
    findings.push(finding("models", models(project)));
    let graph = fal_host::examine(project, &Arc::new(Reporters::new()), &context.interrupt);
    let runners = graph
        .as_ref()
        .map(|graph| graph.runners.values().cloned().collect())
        .unwrap_or_default();
    let python = graph.as_ref().ok().map(|graph| graph.info.python.clone());
    findings.push(finding("dbt", graph.map(|graph| dbt(&graph))));
    findings.extend(python.and_then(|python| module(Path::new(&python))));
    findings.extend(runners_of(project, runners));
}

fn profile(context: &Context, project: &Project) -> Result<String, HostError> {
    let global = &context.global;
    let (name, target) = (global.profile.as_deref(), global.target.as_deref());
    let found = Profile::find(&project.dbt, global.profiles_dir.as_deref(), name, target)?;
    Ok(found.map_or_else(
        || "none found: dbt will say where it looked".to_owned(),
        |profile| {
            let adapter = profile.adapter.unwrap_or_else(|| "no type".to_owned());
            format!(
                "{}, target {} ({adapter}) in {}",
                profile.name,
                profile.target,
                profile.dir.display()
            )
        },
    ))
}

fn plugins(project: &Project, stage: Stage) -> Result<String, HostError> {
    let loaded = project.stages.resolve(stage)?;
    let names = loaded
        .iter()
        .map(|library| format!("{} {}", library.manifest.name, library.manifest.version));
    Ok(names.collect::<Vec<_>>().join(", then "))
}

fn models(project: &Project) -> Result<String, HostError> {
    let generated = project.generate(true)?;
    let state = if generated.is_changed() {
        "stubs to be written by the next run"
    } else {
        "stubs up to date"
    };
    Ok(format!(
        "{} Python and notebook models, {state}",
        generated.models.len()
    ))
}

/// Describes the session that read the project and ran nothing.
fn dbt(graph: &Graph) -> String {
    let info = &graph.info;
    let engine = match &info.engine {
        Some(engine) => format!("by {engine}"),
        None => "from the inside, as it is a dbt-core 1.x; by its commands if FAL_HOST_DBT_ENGINE is commands".to_owned(),
    };
    format!(
        "dbt-core {}, {}, {} threads, {}\ndriven {engine}",
        info.dbt_version,
        // dbt 2 names no version.
        format!("{} {}", info.adapter, info.adapter_version).trim_end(),
        info.threads,
        info.python
    )
}

/// The module that notebooks import, and the package of fal-host that brings it.
const MODULE: &str = "fal";
const NOTEBOOK: &str = "fal-host-notebook";

/// Returns a finding if another package in the environment of the models brings the module.
fn module(python: &Path) -> Option<Finding> {
    let packages = packages_of_module(python, MODULE).ok()?;
    let (own, others): (Vec<_>, Vec<_>) = packages
        .into_iter()
        .partition(|package| package.split(' ').next() == Some(NOTEBOOK));
    if others.is_empty() {
        return None;
    }
    let (others, python) = (others.join(", "), python.display());
    let outcome = match own.first() {
        None => Ok(format!(
            "of {others}: `from fal import FalDbt` works in a run; in Jupyter it needs an environment \
             with {NOTEBOOK} and without that package"
        )),
        Some(own) => Err((
            format!(
                "{own} and {others} bring the same module: the one installed last has overwritten files of the other"
            ),
            Some(format!(
                "uninstall both from {python}, then install the one that you need; runs need neither"
            )),
        )),
    };
    Some(Finding {
        what: "module fal",
        outcome,
    })
}

/// Checks each runner that models go to, and those that only routes name.
fn runners_of(project: &Project, of_models: Vec<String>) -> Vec<Finding> {
    let mut models: BTreeMap<String, usize> = BTreeMap::new();
    of_models
        .into_iter()
        .for_each(|runner| *models.entry(runner).or_default() += 1);
    let routes = fal_host::route_runners(project)
        .into_iter()
        .map(|runner| (runner, 0));
    routes.for_each(|(runner, none)| _ = models.entry(runner).or_insert(none));
    let look = |(runner, models): (String, usize)| {
        let version = fal_host::runner_version(project, &runner);
        finding(
            "runner",
            version.map(|version| format!("{version}, {models} Python models")),
        )
    };
    models.into_iter().map(look).collect()
}

fn finding(what: &'static str, outcome: Result<String, HostError>) -> Finding {
    let explain = |error: HostError| {
        let line = |file: &FileDiagnostic| format!("\n{}: {}", file.path, file.message);
        let files = error.files().map(|files| {
            files
                .iter()
                .filter(|file| file.is_error())
                .map(line)
                .collect::<String>()
        });
        let help = match files {
            Some(_) => {
                Some("`fal-host check` and `fal-host ls` show them with their places".to_owned())
            }
            None => error.help(),
        };
        (format!("{error}{}", files.unwrap_or_default()), help)
    };
    Finding {
        what,
        outcome: outcome.map_err(explain),
    }
}

fn show(finding: &Finding) -> String {
    match &finding.outcome {
        Ok(text) => format!("ok    {:<18} {}\n", finding.what, indented(text)),
        Err((message, help)) => {
            let mut text = format!("FAIL  {:<18} {}\n", finding.what, indented(message));
            if let Some(help) = help {
                text.push_str(&format!("{:25}help: {}\n", "", indented(help)));
            }
            text
        }
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{:25}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_is_that_of_the_first_failure() {
        let well = || Finding {
            what: "project",
            outcome: Ok(String::new()),
        };
        let failed = |what, help: Option<&str>| Finding {
            what,
            outcome: Err((String::new(), help.map(str::to_owned))),
        };
        assert_eq!(next_step(&[well()]), "All is well. Next: `fal-host build`");
        let findings = [
            well(),
            failed("dbt", Some("Run it.")),
            failed("runner", None),
        ];
        assert_eq!(next_step(&findings), "Next: Run it.");
        assert_eq!(
            next_step(&findings[2..]),
            "Next: mend what FAIL says of `runner`"
        );
    }
}
