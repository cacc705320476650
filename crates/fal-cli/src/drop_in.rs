//! fal-host in the place of dbt: linked under the name `dbt`, or as `fal-host dbt ...`.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::{
    args::{Cli, Command},
    error::CliError,
};

/// Set for every dbt that fal-host starts.
const IN_DBT: &str = "FAL_HOST_IN_DBT";
const NAME: &str = "dbt";

/// A command line, which may be one of dbt.
pub(crate) struct Line {
    /// The words, the program first, as fal-host reads them.
    pub(crate) words: Vec<OsString>,
    is_of_dbt: bool,
}

impl Line {
    /// Reads this process's command line.
    ///
    /// # Errors
    /// If fal-host was started where it wanted to start dbt.
    pub(crate) fn of_process() -> Result<Self, CliError> {
        let line = Self::new(env::args_os().collect());
        let is_linked = line.words.first().is_some_and(is_linked);
        if is_linked && env::var_os(IN_DBT).is_some_and(|value| !value.is_empty()) {
            return Err(CliError::Usage {
                message: "fal-host started itself as `dbt`: it found no other program of this name"
                    .to_owned(),
                help: Some(
                    "name the real dbt in FAL_HOST_DBT, or its Python with --python".to_owned(),
                ),
            });
        }
        Ok(line)
    }

    fn new(mut words: Vec<OsString>) -> Self {
        let is_named = words.get(1).is_some_and(|word| word == NAME);
        if is_named {
            words.remove(1);
        }
        Self {
            is_of_dbt: is_named || words.first().is_some_and(is_linked),
            words,
        }
    }

    /// Whether the line asks for the version of dbt.
    pub(crate) fn asks_for_version(&self) -> bool {
        let is_version =
            |word: &OsString| ["--version", "-v", "-V"].iter().any(|name| word == name);
        self.is_of_dbt && self.words.len() == 2 && is_version(&self.words[1])
    }

    /// Returns the Python of the virtual environment that fal-host is linked into as `dbt`.
    pub(crate) fn python(&self) -> Option<PathBuf> {
        let program = Path::new(self.words.first().filter(|word| is_linked(word))?);
        let program = if program.components().count() > 1 {
            program.to_owned()
        } else {
            let path = env::var_os("PATH")?;
            let mut found = env::split_paths(&path).map(|folder| folder.join(program));
            found.find(|program| program.is_file())?
        };
        let programs = program.parent()?;
        let python = programs.join("python");
        let is_environment = programs.join("../pyvenv.cfg").is_file() && python.is_file();
        is_environment.then_some(python)
    }

    /// Refuses commands that dbt does not have.
    pub(crate) fn check(&self, cli: &Cli) -> Result<(), CliError> {
        let is_ours = matches!(
            cli.command,
            Command::Hooks(_)
                | Command::Flow(_)
                | Command::Generate(_)
                | Command::Check(_)
                | Command::Graph(_)
                | Command::Plugin(_)
                | Command::Env(_)
                | Command::Doctor
                | Command::Setup(_)
                | Command::Completions { .. }
                | Command::ManPages { .. }
        );
        if self.is_of_dbt && is_ours {
            return Err(CliError::Usage {
                message: "dbt has no such command".to_owned(),
                help: Some("it is a command of fal-host: call it by that name".to_owned()),
            });
        }
        Ok(())
    }
}

/// Whether the program has the name of dbt.
fn is_linked(program: &OsString) -> bool {
    Path::new(program)
        .file_stem()
        .is_some_and(|name| name == NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::new(text.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn the_name_or_the_first_word_makes_a_line_of_dbt() {
        let cases = [
            ("fal-host run", "fal-host run", false),
            ("fal-host dbt run -s dbt", "fal-host run -s dbt", true),
            ("/venv/bin/dbt run", "/venv/bin/dbt run", true),
            ("fal-host run dbt", "fal-host run dbt", false),
        ];
        for (given, words, is_of_dbt) in cases {
            let line = line(given);
            let read: Vec<_> = line
                .words
                .iter()
                .map(|word| word.to_string_lossy())
                .collect();
            assert_eq!(
                (read.join(" ").as_str(), line.is_of_dbt),
                (words, is_of_dbt)
            );
        }
    }

    #[test]
    fn a_line_of_dbt_has_its_version_and_no_commands_of_ours() {
        assert!(line("dbt --version").asks_for_version());
        assert!(!line("fal-host --version").asks_for_version());
        let refused = |text: &str| {
            let line = line(text);
            line.check(&Cli::parse_words(line.words.clone()).unwrap())
                .is_err()
        };
        assert!(refused("dbt doctor") && refused("fal-host dbt generate"));
        assert!(!refused("dbt compile") && !refused("fal-host doctor") && !refused("dbt list"));
    }
}
