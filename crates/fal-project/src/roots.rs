//! The folders that hold models, and where each folder's stubs go.

use crate::config::DbtProject;

/// A folder with models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// The path below the project, with `/`; empty for the project's folder.
    pub(crate) path: String,
    /// Whether dbt reads it.
    pub(crate) dbt: bool,
    /// The model path below the project that takes its stubs. A folder that dbt reads takes them
    /// itself.
    pub(crate) stubs: String,
}

impl Root {
    /// Returns the length of the prefix of all paths below this root.
    pub(crate) fn below(&self) -> usize {
        if self.path.is_empty() {
            0
        } else {
            self.path.len() + 1
        }
    }
}

/// Returns the roots of a project. A folder inside another root belongs to the outer one.
pub(crate) fn roots(project: &DbtProject) -> Vec<Root> {
    let mut roots: Vec<Root> = Vec::new();
    for path in outermost(&project.model_paths) {
        roots.push(Root {
            path: path.clone(),
            dbt: true,
            stubs: path,
        });
    }
    // dbt must see the stubs, so the stubs of a folder that it does not read go to the first model
    // path.
    let stubs = roots
        .first()
        .map_or_else(|| "models".to_owned(), |root| root.path.clone());
    for path in outermost(&project.fal_models_paths) {
        if !roots.iter().any(|root| contains(&root.path, &path)) {
            roots.push(Root {
                path,
                dbt: false,
                stubs: stubs.clone(),
            });
        }
    }
    roots
}

/// Whether `inner` is `outer` or lies in it.
pub(crate) fn contains(outer: &str, inner: &str) -> bool {
    outer.is_empty()
        || inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn outermost(paths: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for path in paths {
        let inside = paths
            .iter()
            .any(|other| other != path && contains(other, path));
        if !inside && !kept.contains(path) {
            kept.push(path.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(model_paths: &[&str], fal_paths: &[&str]) -> Vec<(String, bool, String)> {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let project = DbtProject {
            model_paths: owned(model_paths),
            fal_models_paths: owned(fal_paths),
            ..DbtProject::default()
        };
        roots(&project)
            .into_iter()
            .map(|root| (root.path, root.dbt, root.stubs))
            .collect()
    }

    #[test]
    fn stubs_of_a_folder_that_dbt_does_not_read_go_to_the_first_model_path() {
        assert_eq!(
            names(&["models", "more"], &["fal_models"]),
            [
                ("models".into(), true, "models".into()),
                ("more".into(), true, "more".into()),
                ("fal_models".into(), false, "models".into())
            ]
        );
    }

    #[test]
    fn a_folder_inside_another_is_walked_once() {
        assert_eq!(
            names(&["models/a", "models", "models"], &["models/python"]).len(),
            1
        );
        assert_eq!(
            names(&["models"], &["models_fal"]).len(),
            2,
            "a common prefix is no folder"
        );
    }
}
