//! Installed packages of dbt. A package with scripts or notebooks is treated as a project inside
//! the project, with its own models, stubs and `.dbtignore`. All other packages are left to dbt.

use std::fs;

use crate::{
    config::DbtProject,
    diagnostics::FileDiagnostic,
    error::GenerateError,
    generate::Generated,
    stubs::{StubPlan, writable},
    wrong::WrongFile,
};

/// A package in the folder into which `dbt deps` installs.
#[derive(Debug)]
pub(crate) struct Package {
    /// The folder's path below the project.
    folder: String,
    pub(crate) project: DbtProject,
}

/// Returns all packages that dbt reads, sorted by name. `dbt deps` names each folder after its
/// package. A package with an invalid dbt_project.yml is left out: dbt reports it.
pub(crate) fn installed(project: &DbtProject) -> Vec<Package> {
    let entries = fs::read_dir(project.root.join(&project.packages_path))
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    let package = |name: String| {
        let folder = format!("{}/{name}", project.packages_path);
        let found = project
            .package(&folder)
            .filter(|package| package.name == name && !name.starts_with("__"))?;
        Some(Package {
            folder,
            project: found,
        })
    };
    names.into_iter().filter_map(package).collect()
}

impl Package {
    /// Returns why the plan cannot be carried out, if the package lies outside of the project,
    /// where fal-host must not write.
    pub(crate) fn obstacle(&self, plan: &StubPlan, ignore_changes: bool) -> Option<FileDiagnostic> {
        let stubs = plan
            .write
            .iter()
            .map(|write| &write.path)
            .chain(plan.remove.iter().map(|stub| &stub.path));
        let mut files: Vec<&str> = stubs.map(String::as_str).collect();
        files.extend(ignore_changes.then_some(crate::dbtignore::FILE));
        writable::package_obstacle(&self.project, &files)
    }

    /// Adds the package's files to those of the project.
    pub(crate) fn add_to(&self, all: &mut Generated, own: Generated) {
        let paths = |paths: Vec<String>| paths.into_iter().map(|path| self.path(&path));
        all.written.extend(paths(own.written));
        all.removed.extend(paths(own.removed));
        all.unchanged += own.unchanged;
        all.dbtignore_changed |= own.dbtignore_changed;
        all.switched_off
            .extend(own.switched_off.iter().map(|path| self.path(path)));
        all.warnings.extend(
            own.warnings
                .into_iter()
                .map(|problem| self.diagnostic(problem)),
        );
        all.wrong.extend(own.wrong.into_iter().map(|file| {
            WrongFile {
                path: self.path(&file.path),
                problems: file
                    .problems
                    .into_iter()
                    .map(|problem| self.diagnostic(problem))
                    .collect(),
                ..file
            }
        }));
        // dbt runs the dbt-native models of packages itself.
        for mut model in own
            .models
            .into_iter()
            .filter(|model| model.stub_path.is_some())
        {
            model.path = self.path(&model.path);
            model.stub_path = model.stub_path.map(|path| self.path(&path));
            model.diagnostics = model
                .diagnostics
                .into_iter()
                .map(|problem| self.diagnostic(problem))
                .collect();
            all.models.push(model);
        }
    }

    /// Returns the same error with paths below the project.
    pub(crate) fn error(&self, error: GenerateError) -> GenerateError {
        match error {
            GenerateError::Files(files) => GenerateError::Files(
                files
                    .into_iter()
                    .map(|problem| self.diagnostic(problem))
                    .collect(),
            ),
            GenerateError::Plugin {
                stage,
                path,
                others,
                source,
            } => GenerateError::Plugin {
                stage,
                path: path.map(|path| self.path(&path)),
                others,
                source,
            },
            GenerateError::Write {
                action,
                path,
                source,
            } => GenerateError::Write {
                action,
                path: self.path(&path),
                source,
            },
        }
    }

    fn diagnostic(&self, problem: FileDiagnostic) -> FileDiagnostic {
        let message = format!(
            "in the package `{}`: {}",
            self.project.name, problem.message
        );
        FileDiagnostic {
            path: self.path(&problem.path),
            message,
            ..problem
        }
    }

    fn path(&self, path: &str) -> String {
        match path {
            "" => self.folder.clone(),
            // The package's model path may be absolute.
            absolute if absolute.starts_with('/') => absolute.to_owned(),
            below => format!("{}/{below}", self.folder),
        }
    }
}
