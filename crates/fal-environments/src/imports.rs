//! The last step of a build: whether the packages that every model needs can be imported.
//!
//! An installer cannot know: pyarrow names no version of numpy that it goes with, and one that wants numpy 2 installs beside an
//! older one without a word.

use std::{path::Path, process::Command};

use crate::{
    definition::Definition,
    error::EnvironmentError,
    folder::Folder,
    installer::Installer,
    venv::{self, NEEDED},
};

/// Older versions of pyarrow that are tried, one after the other.
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

/// The same, where the version of pyarrow is ours to choose: one that cannot be imported gives way to the release before.
pub(crate) fn check_and_mend(
    definition: &Definition,
    folder: &Folder,
    installer: &Installer<'_>,
    install: impl Fn(&Path) -> Result<(), EnvironmentError>,
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
        let file = venv::write(folder, definition, Some(&format!("{PYARROW}<{major}")))?;
        // What the installer says now is that nothing fits; why pyarrow is needed at all says the first error.
        install(&file).map_err(|again| {
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
