//! Requirements that are local files or folders.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::error::EnvironmentError;

/// Files that a build or an editor leaves in a package's folder. They do not count for its hash.
const LEFT_BEHIND: [&str; 4] = ["__pycache__", "build", "dist", "node_modules"];
/// Files that declare the requirements of a package.
const SETUP: [&str; 3] = ["pyproject.toml", "setup.cfg", "setup.py"];

/// Returns whether a requirement is a path.
pub(crate) fn is_path(line: &str) -> bool {
    let (path, _) = split(line);
    let archive = [".whl", ".tar.gz", ".zip"]
        .iter()
        .any(|ending| path.ends_with(ending));
    !line.contains("://")
        && !line.contains(" @ ")
        && (path.contains('/') || path.starts_with('.') || archive)
}

/// Returns the line with the path made absolute, and the path.
pub(crate) fn resolve(line: &str, folder: &Path) -> Result<(String, PathBuf), EnvironmentError> {
    let (path, rest) = split(line);
    let path = folder.join(path);
    let path = path
        .canonicalize()
        .map_err(EnvironmentError::file("found", path))?;
    Ok((format!("{}{rest}", path.display()), path))
}

/// Splits a requirement into the path and what follows it: extras and a marker.
fn split(line: &str) -> (&str, &str) {
    let end = line.find(';').unwrap_or(line.len());
    let end = line[..end].find('[').unwrap_or(end);
    let path = line[..end].trim_end();
    (path, &line[path.len()..])
}

/// Returns the hash of a file, or of the relevant files in a folder.
pub(crate) fn content(path: &Path) -> Result<String, EnvironmentError> {
    let mut hash = Sha256::new();
    add(&mut hash, path, path)?;
    Ok(hex::encode(hash.finalize()))
}

/// Returns the hash of the files that declare the requirements of a package.
pub(crate) fn setup_content(folder: &Path) -> Result<String, EnvironmentError> {
    let mut hash = Sha256::new();
    for path in SETUP
        .map(|name| folder.join(name))
        .iter()
        .filter(|path| path.is_file())
    {
        add(&mut hash, folder, path)?;
    }
    Ok(hex::encode(hash.finalize()))
}

fn add(hash: &mut Sha256, root: &Path, path: &Path) -> Result<(), EnvironmentError> {
    let unreadable = || EnvironmentError::file("read", path);
    if path.is_dir() {
        let entries = fs::read_dir(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable())?;
        let mut paths: Vec<_> = entries
            .iter()
            .map(fs::DirEntry::path)
            .filter(|path| counts(path))
            .collect();
        paths.sort_unstable();
        return paths.iter().try_for_each(|path| add(hash, root, path));
    }
    let name = path
        .strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string();
    let mut add = || {
        let mut file = fal_files::open(path)?;
        hash.update(format!("{}:{name}{}:", name.len(), file.metadata()?.len()));
        // Hash the file in pieces: a wheel may be larger than memory.
        let mut part = vec![0; 1 << 16];
        loop {
            match file.read(&mut part)? {
                0 => return Ok(()),
                read => hash.update(&part[..read]),
            }
        }
    };
    add().map_err(unreadable())
}

/// Returns whether a file counts for the hash. Links to folders may form cycles, and sockets and
/// the like have no content.
fn counts(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Ok(kind) = fs::symlink_metadata(path) else {
        return false;
    };
    let left_behind = name.starts_with('.')
        || name.ends_with(".egg-info")
        || LEFT_BEHIND.iter().any(|left| *left == name);
    !left_behind && (kind.is_dir() || path.is_file())
}
