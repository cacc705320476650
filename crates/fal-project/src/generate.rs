//! Turns the files of a project into its stubs and its `.dbtignore`: all or nothing.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::{
    config::DbtProject,
    diagnostics::FileDiagnostic,
    error::GenerateError,
    fingerprint,
    job::{Job, State, plugin_error},
    model::ModelFile,
    packages::installed,
    roots::roots,
    stages::Stages,
    wrong::{WrongFile, all_problems},
};

/// How to generate.
#[derive(Clone, Copy, Debug, Default)]
pub struct GenerateOptions {
    /// Change nothing; only report what would change.
    pub check: bool,
    /// Put files with errors into [`Generated::wrong`] and generate the stubs of the others.
    pub keep_going: bool,
}

/// The state of the project after generating; with [`GenerateOptions::check`] the state that it
/// would have. Paths are below the project.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// All Python and notebook models, sorted by path. Models with errors and without a stub are
    /// left out, because dbt does not know them.
    pub models: Vec<ModelFile>,
    /// Files with errors.
    pub wrong: Vec<WrongFile>,
    /// Python files and notebooks that are not models.
    pub helpers: Vec<String>,
    /// Stubs that were written.
    pub written: Vec<String>,
    /// Stubs that were removed because their models are gone.
    pub removed: Vec<String>,
    /// The number of stubs that were current already.
    pub unchanged: usize,
    /// Whether `.dbtignore` was written or removed.
    pub dbtignore_changed: bool,
    /// Schema files.
    pub schemas: Vec<String>,
    /// SQL files in the model paths that are not stubs: name and path.
    pub sql: Vec<(String, String)>,
    /// Python files and notebooks that the project switches off without Jinja (`enabled: false`).
    pub switched_off: HashSet<String>,
    /// Warnings and notes, sorted by path.
    pub warnings: Vec<FileDiagnostic>,
}

impl Generated {
    /// Whether anything was (or would be) written or removed.
    pub fn is_changed(&self) -> bool {
        self.dbtignore_changed || !self.written.is_empty() || !self.removed.is_empty()
    }
}

/// Brings the stubs and `.dbtignore` of a project up to date.
///
/// # Errors
/// Returns the failure of a plugin or, unless `keep_going` is set, all problems of all files; in
/// both cases nothing was changed. If one file cannot be written, others may have been, each of
/// them complete.
pub fn generate(
    project: &DbtProject,
    stages: &Stages<'_>,
    options: GenerateOptions,
) -> Result<Generated, GenerateError> {
    let folder = stages
        .stub_folder()
        .map_err(|failure| plugin_error(failure, 0))?;
    let packages = installed(project);
    let job = |project, package| Job {
        project,
        package,
        stages,
        roots: roots(project),
        folder: folder.clone(),
        started: fingerprint::now(),
    };
    let jobs: Vec<Job<'_>> = [job(project, None)]
        .into_iter()
        .chain(
            packages
                .iter()
                .map(|package| job(&package.project, Some(package))),
        )
        .collect();
    // Everything is examined before anything is written.
    let states = together(
        jobs.par_iter()
            .map(|job| job.examine(options.keep_going).map_err(|e| job.error(e)))
            .collect(),
    )?;
    let mut all = Generated::default();
    for (job, state) in jobs.iter().zip(states) {
        let generated = job
            .finish(state, options.check)
            .map_err(|error| job.error(error))?;
        match job.package {
            None => all = generated,
            Some(package) => package.add_to(&mut all, generated),
        }
    }
    all.models.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(all)
}

/// Returns all answers, or all errors of any.
fn together(
    answers: Vec<Result<Option<State>, GenerateError>>,
) -> Result<Vec<Option<State>>, GenerateError> {
    let (mut states, mut problems, mut is_wrong) = (Vec::new(), Vec::new(), false);
    for answer in answers {
        match answer {
            Ok(state) => states.push(state),
            Err(GenerateError::Files(files)) => {
                is_wrong = true;
                problems.extend(files);
            }
            Err(other) => return Err(other),
        }
    }
    if is_wrong {
        let warnings = states
            .iter()
            .flatten()
            .flat_map(|state| all_problems(&state.wrong, &state.warnings));
        problems.extend(warnings);
        problems.sort_by(|one, other| one.path.cmp(&other.path));
        return Err(GenerateError::Files(problems));
    }
    Ok(states)
}
