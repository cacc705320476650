//! Snapshots of all files of a folder, to compare two moments.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Files and folders by path.
pub type Tree = BTreeMap<PathBuf, Entry>;

/// The attributes of a file that a program can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Modification time in nanoseconds.
    pub modified: i128,
    /// Inode: another one means that the file was replaced.
    pub inode: u64,
    /// Type and permissions.
    pub mode: u32,
    /// Content; empty for folders.
    pub content: Vec<u8>,
}

/// Reads a folder and all below.
///
/// # Panics
/// If anything cannot be read.
pub fn tree(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    collect(folder, folder, &mut tree);
    tree
}

fn collect(root: &Path, path: &Path, tree: &mut Tree) {
    let problem = |error| -> ! { panic!("{}: {error}", path.display()) };
    let metadata = path
        .symlink_metadata()
        .unwrap_or_else(|error| problem(error));
    let content = if metadata.is_file() {
        fs::read(path).unwrap_or_else(|error| problem(error))
    } else {
        Vec::new()
    };
    let modified = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    let entry = Entry {
        modified,
        inode: metadata.ino(),
        mode: metadata.mode(),
        content,
    };
    tree.insert(path.strip_prefix(root).unwrap_or(path).to_owned(), entry);
    if metadata.is_dir() {
        for child in fs::read_dir(path)
            .unwrap_or_else(|error| problem(error))
            .flatten()
        {
            collect(root, &child.path(), tree);
        }
    }
}
