//! `fal-host generate`.

use fal_host::Project;
use fal_project::Generated;

use crate::{args::GenerateArgs, context::Context, error::CliError, exit::Ended};

pub(super) fn generate(context: &Context, args: &GenerateArgs) -> Result<Ended, CliError> {
    let project = Project::open(context.global.project_args())?;
    let generated = project.generate(args.check)?;
    let warnings: Vec<_> = generated
        .warnings
        .iter()
        .flat_map(fal_host::source_problems)
        .collect();
    if !warnings.is_empty() && !context.global.is_quiet() {
        context.output.problems(&warnings);
    }
    for line in lines(&generated, args.check) {
        context.output.status(&line);
    }
    let stale = args.check && generated.is_changed();
    if stale {
        context.output.status(
            "The stubs are not up to date: run `fal-host generate` and commit what it writes.",
        );
    }
    Ok(if stale {
        Ended::NodeFailed
    } else {
        Ended::Well
    })
}

fn lines(generated: &Generated, check: bool) -> Vec<String> {
    let (write, remove, update) = if check {
        ("Would write", "Would remove", "Would update")
    } else {
        ("Wrote", "Removed", "Updated")
    };
    let mut lines: Vec<String> = generated
        .written
        .iter()
        .map(|path| format!("{write} {path}"))
        .collect();
    lines.extend(
        generated
            .removed
            .iter()
            .map(|path| format!("{remove} {path}")),
    );
    if generated.dbtignore_changed {
        lines.push(format!("{update} .dbtignore"));
    }
    lines.push(format!(
        "{} of {} stubs unchanged",
        generated.unchanged,
        generated.unchanged + generated.written.len()
    ));
    lines
}
