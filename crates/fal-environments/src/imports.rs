//! The last step of a build: checks that the packages that every model needs can be imported.
//!
//! Installers cannot check this. pyarrow does not declare which versions of numpy it supports,
//! so a pyarrow that needs numpy 2 installs beside an older numpy without an error.

use std::{path::Path, process::Command};

use crate::{
    definition::Definition, error::EnvironmentError, folder::Folder, installer::Installer,
    requirement::NEEDED,
};

/// How many older versions of pyarrow to try.
const MOST: u32 = 10;
const PYARROW: &str = "pyarrow";
/// Prints the version of the package in its first argument, then imports it.
const IMPORT: &str = "import importlib, importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]), flush=True); importlib.import_module(sys.argv[1])";

/// Checks an environment that has just been installed.
pub(crate) fn check(folder: &Folder, installer: &Installer<'_>) -> Result<(), EnvironmentError> {
    NEEDED
        .iter()
        .try_for_each(|package| import(package, &folder.python(), installer))
}

/// Checks an environment whose definition does not choose the version of pyarrow. While pyarrow
/// cannot be imported, installs the release before it:
/// `install` takes a requirement in addition to those of the definition.
pub(crate) fn check_and_mend(
    definition: &Definition,
    folder: &Folder,
    installer: &Installer<'_>,
    install: impl Fn(Option<&str>) -> Result<(), EnvironmentError>,
) -> Result<(), EnvironmentError> {
    let mut tried = 0;
    loop {
        let error = match check(folder, installer) {
            Err(error @ EnvironmentError::Unusable { .. }) => error,
            other => return other,
        };
        let EnvironmentError::Unusable {
            package, version, ..
        } = &error
        else {
            return Err(error);
        };
        let major = version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok())
            .filter(|major| *major > 0);
        let (Some(major), true) = (
            major,
            package == PYARROW && !definition.requirements.name(PYARROW) && tried < MOST,
        ) else {
            return Err(error);
        };
        tried += 1;
        // Report the first error: the installer's error now only says that no version fits, not why
        // pyarrow is needed.
        install(Some(&format!("{PYARROW}<{major}"))).map_err(|again| {
            if matches!(again, EnvironmentError::Stopped) {
                again
            } else {
                error
            }
        })?;
    }
}

fn import(package: &str, python: &Path, installer: &Installer<'_>) -> Result<(), EnvironmentError> {
    let mut command = Command::new(python);
    command.args(["-I", "-c", IMPORT, package]);
    match installer.run(&format!("import {package}"), &command) {
        Err(EnvironmentError::Install { lines, log, .. }) => {
            let version = lines.first().cloned().unwrap_or_default();
            let why = lines.last().cloned().unwrap_or_default();
            Err(EnvironmentError::Unusable {
                package: package.to_owned(),
                version,
                why,
                log,
            })
        }
        other => other,
    }
}
