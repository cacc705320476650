//! `fal-host env create`.

use fal_environments::{EnvironmentBuilder, Ready, Step, Stop, each_of};

use super::defined::{Defined, Environments, cache, no_project, wrong};
use crate::{context::Context, error::CliError, exit::Ended};

/// How many are built at the same time: installers use several cores and the network by themselves.
const AT_ONCE: usize = 4;

pub(super) fn create(context: &Context, names: &[String]) -> Result<Ended, CliError> {
    let environments = Environments::of_project(context)?.ok_or_else(no_project)?;
    let wanted = environments.named(names)?;
    let Some(base) = environments.base.clone() else {
        context
            .output
            .status("fal_project.yml defines no environments");
        return Ok(Ended::Well);
    };
    let stop = Stop::new();
    let raised = stop.clone();
    context.interrupt.listen(move || raised.raise());
    let project_dir = environments.project.root.clone();
    let builder = EnvironmentBuilder {
        cache: cache()?,
        base,
        project_dir,
        stop,
    };
    let outcomes = each_of(&wanted, AT_ONCE, |defined| one(context, &builder, defined));
    if context.interrupt.is_raised() {
        return Err(fal_host::HostError::Interrupted.into());
    }
    let failed = outcomes.iter().any(|outcome| outcome.is_none());
    Ok(if failed {
        Ended::NodeFailed
    } else {
        Ended::Well
    })
}

/// Builds one and says so.
fn one(context: &Context, builder: &EnvironmentBuilder, defined: &Defined) -> Option<Ready> {
    let (output, name) = (&context.output, &defined.name);
    let tell = |step: Step| output.status(&format!("{name}: {}", words(&step)));
    match builder.prepare(name, &defined.definition, &tell) {
        Ok(ready) => {
            output.status(&format!("{name}: ready in {}", ready.path.display()));
            Some(ready)
        }
        Err(error) => {
            if !context.interrupt.is_raised() {
                wrong(Some(name), &error).show(output);
            }
            None
        }
    }
}

fn words(step: &Step) -> String {
    match step {
        Step::Waiting {
            process: Some(process),
        } => format!("waiting for process {process}, which builds it"),
        Step::Waiting { process: None } => "waiting for others who use it".to_owned(),
        Step::Building { log } => format!("building, with a log in {}", log.display()),
        Step::Built { took } => format!("built in {:.1}s", took.as_secs_f64()),
    }
}
