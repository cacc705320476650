//! The version and platform of an interpreter.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::{error::EnvironmentError, program};

/// The oldest version of Python that the worker supports.
const OLDEST: (u32, u32) = (3, 9);

/// Prints an interpreter's version and platform. `-I -S` keep the user's files from running, so
/// nothing else is on standard output.
const QUESTION: &str = "import json, sys, sysconfig; print(json.dumps({'version': '%d.%d.%d' % sys.version_info[:3], \
'tag': (sys.implementation.cache_tag or sys.implementation.name) + getattr(sys, 'abiflags', ''), \
'platform': sysconfig.get_platform()}))";

/// An interpreter with its version and platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its path.
    pub python: PathBuf,
    /// `3.11.7`
    pub version: String,
    /// `cpython-311`, with the letters of a special build.
    pub(crate) tag: String,
    /// `linux-x86_64`
    pub(crate) platform: String,
}

#[derive(Deserialize)]
struct Answer {
    version: String,
    tag: String,
    platform: String,
}

impl Base {
    /// Runs an interpreter and reads its version and platform.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn from_interpreter(python: &Path) -> Result<Self, EnvironmentError> {
        let wrong = |why: String| EnvironmentError::Interpreter {
            python: python.to_owned(),
            why,
        };
        let mut command = Command::new(python);
        command.args(["-I", "-S", "-c", QUESTION]);
        let output = program::answer(command).map_err(|cause| wrong(cause.to_string()))?;
        if !output.status.success() {
            return Err(wrong(
                String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            ));
        }
        let answer: Answer =
            serde_json::from_slice(&output.stdout).map_err(|cause| wrong(cause.to_string()))?;
        Ok(Self {
            python: python.to_owned(),
            version: answer.version,
            tag: answer.tag,
            platform: answer.platform,
        })
    }

    /// Returns the version as `3.11`.
    pub(crate) fn minor(&self) -> &str {
        self.version
            .rsplit_once('.')
            .map_or(self.version.as_str(), |(minor, _)| minor)
    }

    /// Returns whether the interpreter has the wanted version. A shorter wanted version matches all
    /// that it begins: `3.11` matches 3.11.7.
    pub(crate) fn is(&self, asked: &str) -> bool {
        let mut parts = self.version.split('.');
        asked.split('.').all(|wanted| parts.next() == Some(wanted))
    }

    /// Returns whether the interpreter is too old for models.
    pub(crate) fn is_too_old(&self) -> bool {
        is_too_old(&self.version)
    }
}

/// Returns whether the version is certainly too old for models.
pub(crate) fn is_too_old(version: &str) -> bool {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST,
        (Some(major), None) => major < OLDEST.0,
        (None, _) => false,
    }
}

#[cfg(test)]
pub(crate) fn stand_in(version: &str) -> Base {
    Base {
        python: "/python".into(),
        version: version.into(),
        tag: "cpython".into(),
        platform: "linux".into(),
    }
}

/// The program and arguments of a command, for expectations in tests.
#[cfg(test)]
pub(crate) fn words(command: &Command) -> Vec<String> {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_stands_for_all_below_it() {
        let base = stand_in("3.11.7");
        assert!(base.is("3") && base.is("3.11") && base.is("3.11.7"));
        assert!(!base.is("3.1") && !base.is("3.11.71") && !base.is("3.11.7.1"));
        assert_eq!(base.minor(), "3.11");
    }

    #[test]
    fn what_is_too_old() {
        assert!(is_too_old("2") && is_too_old("3.8") && is_too_old("3.8.18"));
        assert!(
            !is_too_old("3") && !is_too_old("3.9") && !is_too_old("3.10.1") && !is_too_old("4.0")
        );
    }

    #[test]
    fn a_program_that_is_no_python_is_an_error() {
        let error = Base::from_interpreter(Path::new("/nowhere/python")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/nowhere/python does not run"),
            "{error}"
        );
    }
}
