//! An environment for one version of dbt, below cargo's target folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{
    error::{At, Result, XtaskError},
    layout, program,
    venv::{self, Venv},
};

/// What the tests import besides dbt-core.
const REQUIREMENTS: [&str; 14] = [
    "dbt-duckdb",
    "dbt-postgres",
    "adbc-driver-postgresql",
    "ipykernel",
    "ipython",
    "nbconvert",
    "nbformat",
    "pandas",
    "polars",
    "pyarrow",
    "pytest",
    "scikit-learn",
    "sqlalchemy",
    "uv",
];
/// dbt-core 1.12 needs it for `--use-v2-parser` alone, and it does not exist for every machine.
const OVERRIDES: &str = "dbt-core-experimental-parser; sys_platform == \"never\"\n";
/// The first version with that requirement. Only uv can leave out a requirement.
const WITH_OVERRIDES: (u32, u32) = (1, 12);
const ASK: &str = "
import json, platform
from importlib.metadata import version
names = 'dbt-core dbt-duckdb dbt-postgres dbt-adapters duckdb'.split()
print(json.dumps({'python': platform.python_version(), **{name: version(name) for name in names}}))
";

/// One version's environment.
pub(super) struct Environment {
    venv: Venv,
    folder: PathBuf,
}

/// Where a version's environment is.
pub(super) fn folder_of(version: &str) -> PathBuf {
    layout::target().join("matrix").join(version)
}

impl Environment {
    /// Makes the environment, or returns the existing one; `None`, with a message, if it cannot be
    /// made here.
    pub(super) fn make(version: &str) -> Result<Option<Self>> {
        let folder = folder_of(version);
        let venv = Venv::at(&folder);
        let environment = Self { venv, folder };
        let has_all = environment
            .installed()
            .is_ok_and(|installed| is_minor(&installed["dbt-core"], version));
        if has_all {
            return Ok(Some(environment));
        }
        if needs_overrides(version) && !venv::uv() {
            program::tell(&format!(
                "dbt {version} is left out: only uv can install it without one of its requirements"
            ));
            return Ok(None);
        }
        environment.install(version)?;
        Ok(Some(environment))
    }

    pub(super) fn venv(&self) -> &Venv {
        &self.venv
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the versions for the table.
    pub(super) fn installed(&self) -> Result<Value> {
        let mut command = program::program(self.venv.python(), layout::root());
        let answer = program::output(command.args(["-c", ASK]))?;
        serde_json::from_str(&answer).map_err(|_| XtaskError::Answer {
            command: program::shown(&command),
            output: answer,
        })
    }

    fn install(&self, version: &str) -> Result<()> {
        self.venv.make()?;
        let mut command = self.venv.installer();
        if needs_overrides(version) {
            let file = self.folder.join("overrides.txt");
            std::fs::write(&file, OVERRIDES).at(&file)?;
            command.arg("--override").arg(file);
        }
        program::run(
            command
                .arg(format!("dbt-core~={version}.0"))
                .args(REQUIREMENTS),
        )
    }
}

fn needs_overrides(version: &str) -> bool {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0)) >= WITH_OVERRIDES
}

fn is_minor(installed: &Value, version: &str) -> bool {
    installed
        .as_str()
        .is_some_and(|installed| installed.starts_with(&format!("{version}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert!(needs_overrides("1.12") && needs_overrides("2.0") && !needs_overrides("1.8"));
        assert!(
            is_minor(&Value::from("1.12.6"), "1.12") && !is_minor(&Value::from("1.12.6"), "1.1")
        );
    }
}
