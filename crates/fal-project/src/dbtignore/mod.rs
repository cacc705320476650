//! The project's `.dbtignore`: the user's rules, and our block that hides from dbt the Python files it would choke on.

mod block;
mod pattern;
mod rules;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use self::block::Parts;
pub(crate) use self::rules::Rules;
use crate::{diagnostics::FileDiagnostic, temporary::Temporary};

pub(crate) const FILE: &str = ".dbtignore";

/// The file as it is.
pub(crate) struct Dbtignore {
    path: PathBuf,
    /// `None`: there is no file.
    text: Option<String>,
    parts: Parts,
}

/// What has to happen to it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Write(String),
    Remove,
}

impl Dbtignore {
    pub(crate) fn read(project: &Path) -> Result<Self, Box<FileDiagnostic>> {
        let path = project.join(FILE);
        let text = match fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| not_utf8())?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("this file cannot be read: {error}");
                return Err(Box::new(FileDiagnostic::error(FILE, "project::unreadable", message)));
            }
        };
        let parts = Parts::of(text.as_deref().unwrap_or_default())?;
        Ok(Self { path, text, parts })
    }

    /// The user's own rules.
    pub(crate) fn rules(&self) -> Rules {
        Rules::of(&self.parts.before, &self.parts.after)
    }

    /// What makes our block list exactly these paths (below the project, sorted).
    pub(crate) fn change(&self, paths: &[&str]) -> Change {
        let patterns: Vec<String> = paths.iter().map(|path| pattern::of(path)).collect();
        let wanted = self.parts.with(&patterns);
        match &self.text {
            Some(text) if *text == wanted => Change::None,
            None if wanted.is_empty() => Change::None,
            Some(_) if wanted.is_empty() => Change::Remove,
            _ => Change::Write(wanted),
        }
    }

    /// Does it.
    pub(crate) fn apply(&self, change: &Change) -> io::Result<()> {
        match change {
            Change::None => Ok(()),
            Change::Remove => match fs::remove_file(&self.path) {
                // Another run was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            },
            Change::Write(text) => {
                // A link stays a link: the file that it leads to is replaced.
                let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
                let folder = target.parent().unwrap_or(Path::new("."));
                Temporary::write(folder, text.as_bytes())?.with_permissions_of(&target)?.replace(&target).map(drop)
            }
        }
    }
}

fn not_utf8() -> Box<FileDiagnostic> {
    Box::new(
        FileDiagnostic::error(FILE, "dbtignore::not_utf8", "this file is not UTF-8, so dbt cannot read it either")
            .with_help("save it as UTF-8"),
    )
}
