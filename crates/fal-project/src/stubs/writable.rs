//! Decides into which model paths stubs are written: those inside the project, and those that the
//! user allows.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;

use super::plan::StubPlan;
use crate::{
    config::{DbtProject, STUB_FOLDERS},
    diagnostics::FileDiagnostic,
    discover::model_path,
};

/// Opens a model path for writing stubs.
pub(crate) fn open(project: &DbtProject, model_path: &str) -> io::Result<Root> {
    match place(project, model_path)? {
        Place::Inside(folder) => Root::create(folder),
        Place::Outside(folder) => Err(io::Error::other(format!(
            "{} is outside of the project",
            folder.display()
        ))),
    }
}

/// Returns an error for each model path that the plan writes to and that must not be written.
pub(crate) fn obstacles(project: &DbtProject, plan: &StubPlan) -> Vec<FileDiagnostic> {
    let written = plan
        .write
        .iter()
        .map(|write| (model_path(&write.path, write.below), write.path.as_str()));
    let removed = plan
        .remove
        .iter()
        .map(|stub| (stub.model_path(), stub.path.as_str()));
    let mut first: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for (model_path, stub) in written.chain(removed) {
        first.entry(model_path).or_insert((stub, 0)).1 += 1;
    }
    let obstacle = |(path, (stub, count)): (&str, (&str, usize))| match place(project, path) {
        Ok(Place::Inside(_)) => None,
        Ok(Place::Outside(folder)) => Some(outside(path, &folder, stub, count)),
        Err(error) => {
            let message = format!("stubs cannot be written here: {error}");
            Some(FileDiagnostic::error(path, "project::unreadable", message))
        }
    };
    first.into_iter().filter_map(obstacle).collect()
}

enum Place {
    Inside(PathBuf),
    Outside(PathBuf),
}

/// Returns where the real folder of a model path lies. The path's text does not decide: a cloned
/// project can hold links, and its dbt_project.yml can name any folder.
fn place(project: &DbtProject, model_path: &str) -> io::Result<Place> {
    let folder = fal_files::real(&project.root.join(model_path))?;
    let own = project.installed_in.as_ref().unwrap_or(&project.root);
    let allowed = project
        .stub_folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok());
    let inside = [own.canonicalize()?]
        .into_iter()
        .chain(allowed)
        .any(|root| folder.starts_with(root));
    Ok(if inside {
        Place::Inside(folder)
    } else {
        Place::Outside(folder)
    })
}

/// Returns the error for an installed package as a whole, given its files that are not up to date.
pub(crate) fn package_obstacle(project: &DbtProject, files: &[&str]) -> Option<FileDiagnostic> {
    let (first, more) = files.split_first()?;
    let Ok(Place::Outside(folder)) = place(project, "") else {
        return None;
    };
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" and {} more", more.len())
    };
    let message = format!(
        "its folder is {}, outside of the project, where fal-host does not write, and {first}{more} is not up to date",
        folder.display()
    );
    Some(FileDiagnostic::error("", "stub::outside", message).with_help(format!(
        "run `fal-host generate` in the package and commit the stubs and .dbtignore there, or allow it by setting \
         {STUB_FOLDERS}={}",
        folder.display()
    )))
}

fn outside(path: &str, folder: &Path, stub: &str, count: usize) -> FileDiagnostic {
    let more = if count > 1 {
        format!(" and {} more", count - 1)
    } else {
        String::new()
    };
    let message = format!(
        "this model path is outside of the project, where fal-host does not write, and {stub}{more} is not up to date"
    );
    FileDiagnostic::error(path, "stub::outside", message).with_help(format!(
        "allow it by setting {STUB_FOLDERS}={}, or run `fal-host generate` in the project that the folder belongs to, and \
         commit the stubs there",
        folder.display()
    ))
}
