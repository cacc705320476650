//! The content of an environment, in a normal form.

use std::path::Path;

use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec};

use crate::{
    base::is_too_old,
    error::{EnvironmentError, OLDEST_NAME},
    requirement::{Requirements, conda_packages},
    requirements_file,
};

/// The content of an environment, in a normal form. The order and spelling of its lines do not
/// matter, nor does its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Definition {
    pub(crate) kind: EnvironmentKind,
    pub(crate) requirements: Requirements,
    pub(crate) python: Option<String>,
}

impl Definition {
    /// Reads a project's definition. Paths are relative to `project_dir`.
    ///
    /// # Errors
    /// If a line or the version cannot be used, or a file that a line names cannot be read.
    pub fn read(spec: &EnvironmentSpec, project_dir: &Path) -> Result<Self, EnvironmentError> {
        let requirements = match spec.kind {
            EnvironmentKind::Venv => requirements_file::read(&spec.requirements, project_dir)?,
            EnvironmentKind::Conda => conda_packages(&spec.requirements)?,
        };
        let python = spec.python.as_deref().map(version).transpose()?;
        Ok(Self {
            kind: spec.kind,
            requirements,
            python,
        })
    }

    /// Its kind.
    pub fn kind(&self) -> EnvironmentKind {
        self.kind
    }
}

fn version(asked: &str) -> Result<String, EnvironmentError> {
    let wrong = |why: String| EnvironmentError::Version {
        asked: asked.to_owned(),
        why,
    };
    let asked_version = asked
        .trim()
        .trim_start_matches("==")
        .trim_end_matches(".*")
        .trim();
    let parts: Vec<_> = asked_version.split('.').collect();
    let is_number =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return Err(wrong("this is no version of Python".to_owned()));
    }
    if is_too_old(asked_version) {
        return Err(wrong(format!("models need Python {OLDEST_NAME} or later")));
    }
    Ok(asked_version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_new_enough() {
        assert_eq!(version(" 3.11 ").unwrap(), "3.11");
        assert_eq!(version("3.12.*").unwrap(), "3.12");
        insta::assert_snapshot!(version("3.1").unwrap_err(), @"`python: 3.1` cannot be used: models need Python 3.9 or later");
        insta::assert_snapshot!(version(">=3.9").unwrap_err(), @"`python: >=3.9` cannot be used: this is no version of Python");
        assert!(version("").is_err() && version("3.11.1.2").is_err());
    }
}
