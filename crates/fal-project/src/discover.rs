//! Finds the files that may be models, and the files in the stub folders. Reads folders and
//! metadata, but no contents.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry, FileType, Metadata},
    io,
    path::Path,
};

use rayon::prelude::*;

use crate::{diagnostics::FileDiagnostic, fingerprint::Fingerprint, roots::Root};

/// A file that may be a model.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// The path below the project, with `/`.
    pub(crate) path: String,
    /// The offset at which the path below the root begins.
    below: usize,
    /// The stem.
    pub(crate) name: String,
    pub(crate) language: Language,
    /// The index of its root.
    pub(crate) root: usize,
    pub(crate) fingerprint: Fingerprint,
}

impl SourceFile {
    /// Returns the path below its model path.
    pub(crate) fn below(&self) -> &str {
        &self.path[self.below..]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    /// A notebook, for the notebook parser of this index.
    Notebook(usize),
}

/// A file or folder in a stub folder.
#[derive(Clone, Debug)]
pub(crate) struct StubFile {
    pub(crate) path: String,
    below: usize,
    /// `None` if it is not a regular file, so fal-host did not write it.
    pub(crate) fingerprint: Option<Fingerprint>,
}

impl StubFile {
    pub(crate) fn below(&self) -> &str {
        &self.path[self.below..]
    }

    /// Returns the model path that it is in.
    pub(crate) fn model_path(&self) -> &str {
        model_path(&self.path, self.below)
    }
}

/// Returns the model path of a path, given the offset at which the rest begins.
pub(crate) fn model_path(path: &str, below: usize) -> &str {
    &path[..below.saturating_sub(1)]
}

/// Everything that was found, each list sorted by path.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) sources: Vec<SourceFile>,
    /// SQL files outside the folders of stubs: name and path.
    pub(crate) sql: Vec<(String, String)>,
    /// Schema files.
    pub(crate) schemas: Vec<String>,
    pub(crate) stubs: Vec<StubFile>,
    /// Temporary files of earlier runs.
    pub(crate) leftovers: Vec<StubFile>,
    pub(crate) problems: Vec<FileDiagnostic>,
    /// Files that keep dbt from reading the project at all: it would wait for a pipe forever, or
    /// run out of memory.
    pub(crate) obstacles: Vec<FileDiagnostic>,
}

/// What to look for, and which folders to skip.
pub(crate) struct Scope<'a> {
    /// The project's folder.
    pub(crate) project: &'a Path,
    /// The extensions of notebooks (in lower case), each with the index of the parser that claims
    /// it.
    pub(crate) notebooks: Vec<(String, usize)>,
    /// The stub folder below each model path.
    pub(crate) stub_folder: &'a str,
    /// Folders below the project that hold no models: the target folder, packages, the other roots.
    pub(crate) skipped: Vec<String>,
}

/// Walks all roots.
pub(crate) fn discover(scope: &Scope<'_>, roots: &[Root]) -> Found {
    let mut found = roots
        .par_iter()
        .enumerate()
        .map(|(index, root)| Walk { scope, root, index }.folder(&root.path, false))
        .reduce(Found::default, Found::and);
    found
        .sources
        .par_sort_unstable_by(|one, other| one.path.cmp(&other.path));
    found
        .stubs
        .par_sort_unstable_by(|one, other| one.path.cmp(&other.path));
    found.sql.sort_unstable_by(|one, other| one.1.cmp(&other.1));
    found
        .problems
        .sort_by(|one, other| one.path.cmp(&other.path));
    found
        .obstacles
        .sort_by(|one, other| one.path.cmp(&other.path));
    found
}

impl Found {
    fn and(mut self, mut other: Self) -> Self {
        if self.sources.len() + self.stubs.len() < other.sources.len() + other.stubs.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.sources.append(&mut other.sources);
        self.sql.append(&mut other.sql);
        self.schemas.append(&mut other.schemas);
        self.stubs.append(&mut other.stubs);
        self.leftovers.append(&mut other.leftovers);
        self.problems.append(&mut other.problems);
        self.obstacles.append(&mut other.obstacles);
        self
    }

    fn problem(problem: FileDiagnostic) -> Self {
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }
}

struct Walk<'a> {
    scope: &'a Scope<'a>,
    root: &'a Root,
    index: usize,
}

impl Walk<'_> {
    /// Returns everything below a folder, given by its path below the project.
    fn folder(&self, path: &str, in_stubs: bool) -> Found {
        let entries = fs::read_dir(self.scope.project.join(path))
            .and_then(Iterator::collect::<io::Result<Vec<_>>>);
        match entries {
            Ok(entries) => entries
                .into_par_iter()
                .with_min_len(64)
                .fold(Found::default, |found, entry| {
                    self.entry(found, path, &entry, in_stubs)
                })
                .reduce(Found::default, Found::and),
            // dbt treats a model path that does not exist as empty.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Found::default(),
            Err(error) => Found::problem(FileDiagnostic::error(
                path,
                "project::unreadable",
                format!("this folder cannot be read: {error}"),
            )),
        }
    }

    fn entry(&self, mut found: Found, folder: &str, entry: &DirEntry, in_stubs: bool) -> Found {
        let file_name = entry.file_name();
        let Some(name) = file_name.to_str() else {
            found.problems.extend(self.strange_name(folder, &file_name));
            return found;
        };
        let path = join(folder, name);
        let result = match entry.file_type() {
            Ok(kind) if let Some(what) = self.odd_kind(entry, kind, name) => {
                let message =
                    format!("this is {what}, and dbt would wait for it or read it forever");
                let problem = FileDiagnostic::error(path, "project::no_regular_file", message);
                found
                    .obstacles
                    .push(problem.with_help("remove it, or list it in .dbtignore"));
                Ok(())
            }
            Ok(kind) if kind.is_dir() => {
                if in_stubs && name.ends_with(".sql") {
                    found.stubs.push(StubFile {
                        path: path.clone(),
                        below: self.root.below(),
                        fingerprint: None,
                    });
                }
                return found.and(self.subfolder(&path, name, in_stubs));
            }
            Ok(kind) if in_stubs => self.in_stubs(&mut found, path, name, kind, entry),
            Ok(kind) => self.file(&mut found, path, name, kind, entry),
            Err(error) => Err(error),
        };
        match result {
            // The file is gone since the folder was read, so it does not count.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => found.problems.push(unreadable(&join(folder, name), &error)),
            Ok(()) => {}
        }
        found
    }

    /// Returns what an entry is that dbt would open as a file although it is a named pipe or a
    /// device, directly or behind a link.
    fn odd_kind(&self, entry: &DirEntry, kind: FileType, name: &str) -> Option<&'static str> {
        let (_, extension) = split(name).filter(|_| !kind.is_file() && !kind.is_dir())?;
        let is_read = matches!(extension.as_str(), "sql" | "yml" | "yaml" | "md")
            || self.language(&extension).is_some();
        fal_files::odd_kind(metadata(entry, kind).ok().filter(|_| is_read)?.file_type())
    }

    fn subfolder(&self, path: &str, name: &str, in_stubs: bool) -> Found {
        let hidden = name.starts_with('.') || name == "__pycache__";
        if hidden || self.scope.skipped.iter().any(|skipped| skipped == path) {
            return Found::default();
        }
        let is_stubs = path.get(self.root.below()..) == Some(self.scope.stub_folder);
        self.folder(path, in_stubs || is_stubs)
    }

    fn file(
        &self,
        found: &mut Found,
        path: String,
        name: &str,
        kind: FileType,
        entry: &DirEntry,
    ) -> io::Result<()> {
        let Some((stem, extension)) = split(name) else {
            return Ok(());
        };
        if matches!(extension.as_str(), "sql" | "yml" | "yaml") {
            // dbt reports files that are gone by now, or behind a broken link.
            let size = metadata(entry, kind).map_or(0, |metadata| metadata.len());
            if let Err(error) = fal_files::check_size(size, fal_files::TEXT) {
                found.obstacles.push(
                    unreadable(&path, &error).with_help("remove it, or list it in .dbtignore"),
                );
            } else if extension == "sql" {
                found.sql.push((stem.to_owned(), path));
            } else {
                found.schemas.push(path);
            }
            return Ok(());
        }
        let Some(language) = self.language(&extension) else {
            return Ok(());
        };
        if path.contains(|letter: char| letter == '\\' || letter.is_control()) {
            found.problems.push(
                FileDiagnostic::error(
                    path,
                    "project::odd_name",
                    "a model's path cannot contain backslashes or control characters",
                )
                .with_help("rename the file or its folder, or list it in .dbtignore"),
            );
            return Ok(());
        }
        match metadata(entry, kind) {
            Ok(metadata) if metadata.is_file() => found.sources.push(SourceFile {
                below: self.root.below(),
                name: stem.to_owned(),
                language,
                root: self.index,
                fingerprint: Fingerprint::new(&metadata),
                path,
            }),
            Ok(_) => {}
            Err(error) if kind.is_symlink() && error.kind() == io::ErrorKind::NotFound => {
                found.problems.push(
                    FileDiagnostic::error(
                        path,
                        "project::broken_link",
                        "this symbolic link leads nowhere",
                    )
                    .with_help("remove the link, or restore the file that it leads to"),
                );
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn in_stubs(
        &self,
        found: &mut Found,
        path: String,
        name: &str,
        kind: FileType,
        entry: &DirEntry,
    ) -> io::Result<()> {
        if fal_files::is_temporary(name) {
            found.leftovers.push(StubFile {
                path,
                below: self.root.below(),
                fingerprint: None,
            });
        } else if name.ends_with(".sql") {
            let fingerprint = if kind.is_file() {
                Some(Fingerprint::new(&entry.metadata()?))
            } else {
                None
            };
            found.stubs.push(StubFile {
                path,
                below: self.root.below(),
                fingerprint,
            });
        } else if split(name).is_some_and(|(_, extension)| self.language(&extension).is_some()) {
            let folder = self.scope.stub_folder;
            found.problems.push(
                FileDiagnostic::warning(
                    path,
                    "project::model_among_stubs",
                    format!(
                        "not read as a model: the folder `{folder}` belongs to the generated stubs"
                    ),
                )
                .with_help(format!("move it to a folder that is not called `{folder}`")),
            );
        }
        Ok(())
    }

    fn language(&self, extension: &str) -> Option<Language> {
        if extension == "py" {
            return Some(Language::Python);
        }
        let claim = self
            .scope
            .notebooks
            .iter()
            .find(|(claimed, _)| claimed == extension)?;
        Some(Language::Notebook(claim.1))
    }

    /// Returns an error for a name that is not UTF-8, if it could be a model's.
    fn strange_name(&self, folder: &str, name: &OsStr) -> Option<FileDiagnostic> {
        let extension = Path::new(name).extension()?.to_str()?.to_lowercase();
        if extension != "sql" && self.language(&extension).is_none() {
            return None;
        }
        let path = format!("{folder}/{}", name.to_string_lossy());
        Some(
            FileDiagnostic::error(
                path,
                "project::name_not_utf8",
                "the name of this file is not UTF-8",
            )
            .with_help("rename it: a model's name is the file's"),
        )
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns the stem, and the extension in lower case (dbt reads `X.PY` as Python). Hidden files
/// have no stem.
fn split(name: &str) -> Option<(&str, String)> {
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty() && !stem.starts_with('.')).then(|| (stem, extension.to_lowercase()))
}

/// Returns the metadata of a file, or of the target of a link.
fn metadata(entry: &DirEntry, kind: FileType) -> io::Result<Metadata> {
    if kind.is_symlink() {
        fs::metadata(entry.path())
    } else {
        entry.metadata()
    }
}

fn unreadable(path: &str, error: &io::Error) -> FileDiagnostic {
    FileDiagnostic::error(
        path,
        "project::unreadable",
        format!("this file cannot be read: {error}"),
    )
}
