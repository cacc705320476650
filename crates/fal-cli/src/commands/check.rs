//! `fal-host check`: everything that can be known without running.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use fal_host::{HostError, Project};
use fal_project::FileDiagnostic;
use fal_report::{SourceProblem, github_annotations, problems_json, render_problems, sarif};

use crate::{
    args::{CheckArgs, CheckFormat},
    context::Context,
    error::CliError,
    exit::Ended,
};

pub(super) fn check(context: &Context, args: &CheckArgs) -> Result<Ended, CliError> {
    let (files, models) = match problems(context, &args.files) {
        Ok((files, models)) => (files, Some(models)),
        Err(error) => match error.files() {
            Some(files) => (files.to_vec(), None),
            None => return Err(error.into()),
        },
    };
    let problems: Vec<SourceProblem> = files.iter().flat_map(fal_host::source_problems).collect();
    show(context, args.format, &problems)?;
    if let (Some(models), true) = (models, problems.is_empty()) {
        context.output.status(&format!(
            "{models} Python and notebook models, nothing to complain of"
        ));
    }
    let wrong = models.is_none()
        || files.iter().any(FileDiagnostic::is_error)
        || (args.strict && !problems.is_empty());
    Ok(if wrong { Ended::Wrong } else { Ended::Well })
}

/// What is wrong with these files, or all that is wrong, and the number of models.
fn problems(
    context: &Context,
    only: &[PathBuf],
) -> Result<(Vec<FileDiagnostic>, usize), HostError> {
    let project = Project::open(context.global.project_args())?;
    let generated = project.examine()?;
    let mut problems = fal_host::check(&project, &generated);
    let mut models = generated.models.len();
    if !only.is_empty() {
        // Files are the same by any path.
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let only: HashSet<PathBuf> = only.iter().map(|path| real(path)).collect();
        let is_among = |path: &str| only.contains(&real(&project.dbt.root.join(path)));
        problems.retain(|problem| is_among(&problem.path));
        let named = generated
            .models
            .iter()
            .filter(|model| is_among(&model.path));
        models = named.count();
    }
    Ok((problems, models))
}

fn show(context: &Context, format: CheckFormat, problems: &[SourceProblem]) -> io::Result<()> {
    let output = &context.output;
    match format {
        CheckFormat::Text if problems.is_empty() => Ok(()),
        CheckFormat::Text => output.themed_data(&render_problems(
            problems,
            output.out_theme(),
            output.width(),
        )),
        CheckFormat::Json => output.data(&(problems_json(problems) + "\n")),
        CheckFormat::Sarif => output.data(&(sarif(problems, env!("CARGO_PKG_VERSION")) + "\n")),
        CheckFormat::Github => output.data(&github_annotations(problems)),
    }
}
