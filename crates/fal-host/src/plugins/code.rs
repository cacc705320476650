//! Which files a plugin consists of, as far as that can be seen from outside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use fal_loader::Kind;

/// Folders below a program's that are looked into.
const DEPTH: usize = 8;

/// The file of a plugin; for a program the Python files beside and below it as well, which it may import.
pub(super) fn files(plugin: &Path) -> Vec<PathBuf> {
    let mut files = vec![plugin.to_owned()];
    if Kind::of(plugin) == Kind::Program
        && let Some(folder) = plugin.parent()
    {
        python_below(folder, DEPTH, &mut files);
    }
    files
}

fn python_below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let passed_over = name.starts_with('.') || name == "__pycache__" || path.join("pyvenv.cfg").is_file();
            if depth > 0 && !passed_over && !path.is_symlink() {
                python_below(&path, depth - 1, files);
            }
        } else if name.ends_with(".py") {
            files.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_more_than_its_file_and_a_library_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b.fal-plugin",
            "c.py",
            "acme/d.py",
            "notes.txt",
            ".git/e.py",
            "__pycache__/c.py",
            "env/f.py",
            "env/pyvenv.cfg",
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names = |plugin: &str| -> Vec<String> {
            let files = files(&folder.path().join(plugin)).into_iter();
            files.map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("b.fal-plugin"), ["b.fal-plugin", "acme/d.py", "c.py"]);
        assert_eq!(names("liba.so"), ["liba.so"]);
    }
}
