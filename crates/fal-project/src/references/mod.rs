//! Looks up what models read in the project's files, without dbt.
//!
//! Known are the file names of models, seeds and snapshots, of the project and of installed
//! packages, and the names in schema files. If there may be other names, the problem is a warning
//! that gives the reason, and not an error.

mod complaint;
mod known;
mod sql;

use fal_plugin::payload::{Dependency, DependencyKind};

pub use self::{
    complaint::{Missing, unknown},
    known::KnownNames,
    sql::{SqlRef, sql_refs},
};
use crate::{config::DbtProject, diagnostics::FileDiagnostic, generate::Generated};

/// Returns a problem for every `ref` and `source` of a Python model that leads nowhere.
pub fn unknown_references(project: &DbtProject, generated: &Generated) -> Vec<FileDiagnostic> {
    let models = generated
        .models
        .iter()
        .filter(|model| !generated.switched_off.contains(&model.path));
    let reading: Vec<_> = models
        .filter(|model| !model.analysis.dependencies.is_empty())
        .collect();
    if reading.is_empty() {
        return Vec::new();
    }
    let names = KnownNames::read(project, generated);
    let mut problems = Vec::new();
    for model in reading {
        for dependency in &model.analysis.dependencies {
            if let Some(missing) = missing(&names, dependency) {
                problems.push(unknown(model, dependency, &missing, &names));
            }
        }
    }
    problems
}

fn missing(names: &KnownNames, dependency: &Dependency) -> Option<Missing> {
    match (dependency.kind, dependency.args.as_slice()) {
        (DependencyKind::Ref, [name]) => names.missing_ref(None, name),
        (DependencyKind::Ref, [package, name]) => names.missing_ref(Some(package), name),
        (DependencyKind::Source, [source, table]) => names.missing_source(source, table),
        _ => None,
    }
}
