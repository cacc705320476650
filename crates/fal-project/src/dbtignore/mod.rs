//! The project's `.dbtignore`: the user's rules, and the generated block that hides Python files on
//! which dbt would fail.

mod block;
mod rules;

use std::{
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;

pub(crate) use self::rules::Rules;
use self::{block::Parts, rules::pattern_of};
use crate::diagnostics::FileDiagnostic;

pub(crate) const FILE: &str = ".dbtignore";

/// The file as it is on disk.
pub(crate) struct Dbtignore {
    project: PathBuf,
    /// `None` if there is no file.
    text: Option<String>,
    parts: Parts,
}

/// A change of the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Write(String),
    Remove,
}

impl Dbtignore {
    pub(crate) fn read(project: &Path) -> Result<Self, Box<FileDiagnostic>> {
        let path = project.join(FILE);
        let text = match fal_files::read(&path, fal_files::TEXT) {
            Ok(bytes) => Some(String::from_utf8(bytes).map_err(|_| not_utf8())?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let message = format!("this file cannot be read: {error}");
                return Err(Box::new(FileDiagnostic::error(
                    FILE,
                    "project::unreadable",
                    message,
                )));
            }
        };
        let parts = Parts::parse(text.as_deref().unwrap_or_default())?;
        Ok(Self {
            project: project.to_owned(),
            text,
            parts,
        })
    }

    /// Returns the user's rules.
    pub(crate) fn rules(&self) -> Rules {
        Rules::parse(&self.parts.before, &self.parts.after)
    }

    /// Returns the change after which the block lists exactly these paths (below the project,
    /// sorted).
    pub(crate) fn change(&self, paths: &[&str]) -> Change {
        let patterns: Vec<String> = paths.iter().map(|path| pattern_of(path)).collect();
        let wanted = self.parts.with(&patterns);
        match &self.text {
            Some(text) if *text == wanted => Change::None,
            None if wanted.is_empty() => Change::None,
            Some(_) if wanted.is_empty() => Change::Remove,
            _ => Change::Write(wanted),
        }
    }

    /// Returns why a change cannot be made, if the file is a link out of the project.
    pub(crate) fn obstacle(&self, change: &Change) -> Option<FileDiagnostic> {
        if !matches!(change, Change::Write(_)) {
            return None;
        }
        let message = match self.place() {
            Ok(Some(_)) => return None,
            Ok(None) => "this is a symbolic link out of the project, where fal-host does not write"
                .to_owned(),
            Err(error) => format!("this symbolic link cannot be followed: {error}"),
        };
        let help = format!("replace {FILE} by a copy of the file that it leads to");
        Some(FileDiagnostic::error(FILE, "dbtignore::outside", message).with_help(help))
    }

    /// Makes the change.
    pub(crate) fn apply(&self, change: &Change) -> io::Result<()> {
        match change {
            Change::None => Ok(()),
            Change::Remove => Root::open(&self.project)?.remove_file(FILE),
            Change::Write(text) => {
                let place = self
                    .place()?
                    .ok_or_else(|| io::Error::other("it is a link out of the project"))?;
                let root = Root::open(&self.project)?;
                let file = root.temporary(&place, text.as_bytes())?;
                match self.project.join(&place).metadata() {
                    Ok(old) => file
                        .with_permissions(old.permissions())?
                        .replace()
                        .map(drop),
                    Err(_) => file.replace().map(drop),
                }
            }
        }
    }

    /// Returns the path of the file below the project. For a link this is its target, so that the
    /// link stays; `None` if the target is outside of the project.
    fn place(&self) -> io::Result<Option<PathBuf>> {
        let (project, file) = (
            self.project.canonicalize()?,
            fal_files::real(&self.project.join(FILE))?,
        );
        Ok(file.strip_prefix(project).ok().map(Path::to_owned))
    }
}

fn not_utf8() -> Box<FileDiagnostic> {
    Box::new(
        FileDiagnostic::error(
            FILE,
            "dbtignore::not_utf8",
            "this file is not UTF-8, so dbt cannot read it either",
        )
        .with_help("save it as UTF-8"),
    )
}
