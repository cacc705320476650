//! Path patterns, as Python's `pathlib` resolves them below the project, but on the files of nodes instead of the disk.

use std::collections::{HashMap, HashSet};

use super::fnmatch::Pattern;
use crate::graph::Dag;

/// A pattern such as `models/**/stg_*.sql`.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    segments: Vec<Segment>,
    only_folders: bool,
}

#[derive(Clone, Debug)]
enum Segment {
    /// `**`: this folder and all below it.
    Deep,
    Literal(String),
    Wild(Pattern),
}

impl Glob {
    /// `None` if Python refuses the pattern.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let pattern = if cfg!(windows) {
            pattern.replace('\\', "/")
        } else {
            pattern.to_owned()
        };
        if pattern.is_empty() || pattern.starts_with('/') {
            return None;
        }
        let words = pattern
            .split('/')
            .filter(|word| !word.is_empty() && *word != ".");
        let segments: Vec<Segment> = words.map(segment).collect::<Option<_>>()?;
        if segments.is_empty() {
            return None;
        }
        let only_folders = pattern.ends_with('/') || matches!(segments.last(), Some(Segment::Deep));
        Some(Self {
            segments,
            only_folders,
        })
    }

    fn matches(&self, path: &str, is_folder: bool) -> bool {
        if self.only_folders && !is_folder {
            return false;
        }
        matches_from(&self.segments, path)
    }
}

fn segment(word: &str) -> Option<Segment> {
    match word {
        "**" => Some(Segment::Deep),
        word if word.contains("**") => None,
        word if word.contains(['*', '?', '[']) => Some(Segment::Wild(Pattern::new(word))),
        word => Some(Segment::Literal(word.to_owned())),
    }
}

/// Returns whether the whole path matches; the empty path is the project itself.
fn matches_from(segments: &[Segment], path: &str) -> bool {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match segments {
        [] => path.is_empty(),
        [Segment::Deep, tail @ ..] => {
            matches_from(tail, path) || (!path.is_empty() && matches_from(segments, rest))
        }
        _ if path.is_empty() => false,
        [Segment::Literal(name), tail @ ..] => name == first && matches_from(tail, rest),
        [Segment::Wild(pattern), tail @ ..] => pattern.matches(first) && matches_from(tail, rest),
    }
}

/// The files and folders of the root project that belong to nodes.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// Path and whether it is a folder; the project itself is the empty path.
    entries: HashMap<&'a str, bool>,
}

impl<'a> Tree<'a> {
    pub(super) fn of(dag: &'a Dag) -> Self {
        let mut tree = Self {
            entries: HashMap::from([("", true)]),
        };
        for (_, node) in dag.nodes() {
            if node.spec().package_name == dag.project() {
                node.files().for_each(|file| tree.add(file));
            }
            if let Some(patch) = node.spec().patch_path.as_deref()
                && let Some((package, file)) = patch.split_once("://")
                && package == dag.project()
            {
                tree.add(file);
            }
        }
        tree
    }

    fn add(&mut self, file: &'a str) {
        self.entries.entry(file).or_insert(false);
        for folder in folders(file) {
            if self.entries.insert(folder, true) == Some(true) {
                return;
            }
        }
    }

    /// Returns the paths that the pattern matches.
    pub(super) fn find(&self, glob: &Glob) -> Found<'a> {
        let matching = self
            .entries
            .iter()
            .filter(|(path, is_folder)| glob.matches(path, **is_folder));
        Found(matching.map(|(path, _)| *path).collect())
    }
}

/// Paths that a pattern found.
#[derive(Debug)]
pub(super) struct Found<'a>(HashSet<&'a str>);

impl Found<'_> {
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// Returns whether the set has the file or a folder above it.
    pub(super) fn covers(&self, file: &str) -> bool {
        self.has(file) || folders(file).any(|folder| self.has(folder))
    }
}

/// Returns the folders above a file, the nearest first. The last one is the project, the empty
/// path.
fn folders(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(file), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(folder, _)| folder))
    })
    .skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str, is_folder: bool) -> bool {
        Glob::parse(pattern).is_some_and(|glob| glob.matches(path, is_folder))
    }

    #[test]
    fn agrees_with_pathlib() {
        assert!(matches("models/a.sql", "models/a.sql", false));
        assert!(matches("./models//a.sql", "models/a.sql", false));
        assert!(matches("models/*", "models/a.sql", false));
        assert!(!matches("models/*", "models/a/b.sql", false));
        assert!(matches("models/*", "models/a", true));
        assert!(matches("models/**/b.sql", "models/b.sql", false));
        assert!(matches("models/**/b.sql", "models/x/y/b.sql", false));
        assert!(matches("models/**", "models", true));
        assert!(!matches("models/**", "models/a.sql", false));
        assert!(!matches("models/a.sql/", "models/a.sql", false));
        assert!(matches("models/", "models", true));
        assert!(matches("**", "", true));
        assert!(!matches("models/../models/a.sql", "models/a.sql", false));
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for pattern in ["", ".", "./", "/models", "models/a**"] {
            assert!(Glob::parse(pattern).is_none(), "{pattern}");
        }
    }

    #[test]
    fn folders_end_with_the_project() {
        assert_eq!(folders("a/b/c.sql").collect::<Vec<_>>(), ["a/b", "a", ""]);
    }
}
