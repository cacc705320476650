//! The worker's Python files, embedded at build time and unpacked once into the user's cache.
//!
//! The folder's name is the hash of its content, so versions live side by side, and Python's own
//! cache of byte code stays valid from run to run.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy;
use fal_files::Root;
use sha2::{Digest, Sha256};

use crate::error::StartError;

include!(concat!(env!("OUT_DIR"), "/worker_files.rs"));

/// The worker's files as pairs of a path below the folder and the content.
pub(crate) fn files() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().copied()
}

/// Unpacks the worker's files and returns the folder to put on Python's path: it holds the package
/// `fal_worker`. `fallback` is used on machines without a writable cache folder.
pub(crate) fn unpack(fallback: &Path) -> Result<PathBuf, StartError> {
    let roots = [cache_root(), Some(fallback.to_owned())];
    let mut last = None;
    for root in roots.into_iter().flatten() {
        match unpack_below(&root, FILES) {
            Ok(home) => return Ok(home),
            Err(cause) => {
                last = Some(StartError::Unpack {
                    folder: root,
                    cause,
                })
            }
        }
    }
    Err(last.expect("the fallback was tried"))
}

fn cache_root() -> Option<PathBuf> {
    let named = env::var_os("FAL_HOST_CACHE_DIR")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    named.or_else(|| {
        Some(
            etcetera::choose_base_strategy()
                .ok()?
                .cache_dir()
                .join("fal-host"),
        )
    })
}

/// Writes each file that is missing or has other bytes. Each file is replaced atomically, so
/// several processes may do this at once.
fn unpack_below(root: &Path, files: &[(&str, &[u8])]) -> io::Result<PathBuf> {
    let parent = std::path::absolute(root)?.join("worker");
    let home = parent.join(hash(files));
    let wrong: Vec<_> = files
        .iter()
        .filter(|(name, bytes)| !is_file(&home.join(name), bytes))
        .collect();
    if wrong.is_empty() {
        return Ok(home);
    }
    let root = Root::create(&home)?;
    root.sweep();
    for (name, bytes) in wrong {
        root.write(name, bytes)?;
    }
    Ok(home)
}

/// Returns whether a file has this content. The size alone does not suffice: after a power cut a
/// file can have the right size and hold only zeros.
fn is_file(path: &Path, bytes: &[u8]) -> bool {
    fal_files::read(path, bytes.len() as u64).is_ok_and(|found| found == bytes)
}

fn hash(files: &[(&str, &[u8])]) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in files {
        hash.update(format!("{name}\0{}\0", bytes.len()));
        hash.update(bytes);
    }
    hex::encode(&hash.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn is_whole(home: &Path, files: &[(&str, &[u8])]) -> bool {
        files
            .iter()
            .all(|(name, bytes)| fs::read(home.join(name)).is_ok_and(|found| found == *bytes))
    }

    const SMALL: &[(&str, &[u8])] = &[
        ("fal_worker/__init__.py", b""),
        ("fal_worker/a/b.py", b"x = 1\n"),
    ];

    #[test]
    fn the_package_is_embedded_without_caches() {
        assert!(FILES
            .iter()
            .any(|(name, _)| *name == "fal_worker/__init__.py"));
        assert!(FILES
            .iter()
            .all(|(name, _)| name.ends_with(".py") && !name.contains("__pycache__")));
    }

    #[test]
    fn many_unpack_at_once_and_get_the_same_whole_folder() {
        let root = tempfile::tempdir().unwrap();
        let unpack = || unpack_below(root.path(), SMALL).unwrap();
        let homes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(unpack)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert!(homes
            .iter()
            .all(|home| home == &homes[0] && is_whole(home, SMALL)));
        let left: Vec<_> = fs::read_dir(root.path().join("worker"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [homes[0].clone()]);
    }

    #[test]
    fn a_second_start_writes_nothing_and_a_lost_file_comes_back() {
        let root = tempfile::tempdir().unwrap();
        let home = unpack_below(root.path(), SMALL).unwrap();
        let kept = home.join("fal_worker/__init__.py");
        let before = fs::metadata(&kept).unwrap().modified().unwrap();
        fs::remove_file(home.join("fal_worker/a/b.py")).unwrap();
        unpack_below(root.path(), SMALL).unwrap();
        assert!(is_whole(&home, SMALL));
        assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
    }

    #[test]
    fn wrong_bytes_of_the_right_size_are_mended() {
        let root = tempfile::tempdir().unwrap();
        let home = unpack_below(root.path(), SMALL).unwrap();
        fs::write(home.join("fal_worker/a/b.py"), b"\0\0\0\0\0\0").unwrap();
        unpack_below(root.path(), SMALL).unwrap();
        assert!(is_whole(&home, SMALL));
    }

    #[test]
    fn other_content_has_another_folder() {
        assert_ne!(hash(SMALL), hash(&SMALL[..1]));
    }
}
