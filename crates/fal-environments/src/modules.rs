//! Which installed packages bring a module.

use std::{path::Path, process::Command};

use crate::{error::EnvironmentError, program};

/// Prints the distributions that have files of a module, a line each. `-I` keeps the user's files
/// from running.
const QUESTION: &str = "
import sys
from importlib.metadata import distributions
for found in distributions():
    if any(file.parts[0] == sys.argv[1] for file in found.files or ()):
        print(found.metadata['Name'], found.version)
";

/// Returns the packages of an interpreter that bring the top-level module `name`, each as `fal 1.2`,
/// sorted.
///
/// # Errors
/// If the interpreter does not answer.
pub fn packages_of_module(python: &Path, name: &str) -> Result<Vec<String>, EnvironmentError> {
    let wrong = |why: String| EnvironmentError::Interpreter {
        python: python.to_owned(),
        why,
    };
    let mut command = Command::new(python);
    command.args(["-I", "-c", QUESTION, name]);
    let output = program::answer(command).map_err(|cause| wrong(cause.to_string()))?;
    if !output.status.success() {
        return Err(wrong(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut packages: Vec<_> = text.lines().map(str::to_owned).collect();
    packages.sort();
    Ok(packages)
}
