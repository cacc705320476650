//! The errors of environments.

use std::{io, path::PathBuf};

/// The oldest version of Python that the worker supports, for messages. `base` has it as numbers.
pub(crate) const OLDEST_NAME: &str = "3.9";

/// Why there is no environment. The messages do not name it, since the caller does.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// A line of `requirements` or `packages` cannot be used.
    #[error("`{line}` cannot be used: {why}")]
    Requirement {
        /// The line as written.
        line: String,
        /// What is wrong with it.
        why: String,
    },
    /// `python` is no version, or one that cannot be used.
    #[error("`python: {asked}` cannot be used: {why}")]
    Version {
        /// As written.
        asked: String,
        /// What is wrong with it.
        why: String,
    },
    /// An interpreter does not report its version and platform.
    #[error("{} does not run as a Python interpreter: {why}", .python.display())]
    Interpreter {
        /// Its path.
        python: PathBuf,
        /// What happened.
        why: String,
    },
    /// No installed interpreter has the version.
    #[error("no Python {asked} is installed")]
    NoPython {
        /// The version.
        asked: String,
    },
    /// No program that builds conda environments was found.
    #[error("no conda was found: {looked}")]
    NoConda {
        /// Where it was looked for.
        looked: String,
    },
    /// There is no folder for environments.
    #[error("the system names no folder for caches")]
    NoCache,
    /// A file or folder cannot be used.
    #[error("{} cannot be {what}: {cause}", .path.display())]
    File {
        /// `written`, `removed`, ...
        what: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The installer did not start.
    #[error("`{program}` cannot be started: {cause}")]
    Start {
        /// The installer.
        program: String,
        /// Why not.
        cause: io::Error,
    },
    /// The installer failed.
    #[error("`{command}` failed ({status}){}\nThe whole log: {}", indented(.lines), .log.display())]
    Install {
        /// Its command line, shortened.
        command: String,
        /// How it ended.
        status: String,
        /// Its last lines.
        lines: Vec<String>,
        /// The file with its whole output.
        log: PathBuf,
    },
    /// A package that every model needs was installed but cannot be imported.
    #[error("{package} {version} cannot be imported there: {why}\nThe whole log: {}", .log.display())]
    Unusable {
        /// The package.
        package: String,
        /// Its version, if known.
        version: String,
        /// The last line of Python's error.
        why: String,
        /// The file with the whole output.
        log: PathBuf,
    },
    /// The interpreter in the environment is older than what models need.
    #[error("it has Python {found}, and models need {} or later", OLDEST_NAME)]
    TooOld {
        /// Its version.
        found: String,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Stopped,
}

impl EnvironmentError {
    /// Returns a function for `map_err` that turns an error of the file system into this one.
    pub(crate) fn file(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { what, path, cause }
    }

    /// Returns what the user can do.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Version { .. } => Some("write the version in quotes, as in `python: \"3.11\"`"),
            Self::NoPython { .. } => {
                Some("install it, or install uv, which brings interpreters along")
            }
            Self::NoConda { .. } => Some(
                "install conda, mamba or micromamba, or set FAL_CONDA_HOME to the folder of an installation",
            ),
            Self::NoCache | Self::File { .. } => {
                Some("set FAL_HOST_ENVIRONMENTS to a folder that can be written")
            }
            Self::Install { command, .. } if command.contains("-m venv") => {
                Some("on Debian, `python3 -m venv` needs the package python3-venv; or install uv")
            }
            Self::Unusable { .. } => {
                Some("require versions that go together, for example `pyarrow<26` beside `numpy<2`")
            }
            Self::TooOld { .. } => Some("name a later one with `python:`"),
            _ => None,
        }
    }
}

fn indented(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    format!(
        ":{}",
        lines
            .iter()
            .map(|line| format!("\n  {line}"))
            .collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_installation_shows_the_installer_s_words() {
        let error = EnvironmentError::Install {
            command: "uv pip install".into(),
            status: "exit status: 1".into(),
            lines: vec!["No solution found".into(), "because nothing fits".into()],
            log: "/cache/logs/venv-1.log".into(),
        };
        insta::assert_snapshot!(error, @r"
        `uv pip install` failed (exit status: 1):
          No solution found
          because nothing fits
        The whole log: /cache/logs/venv-1.log
        ");
    }
}
