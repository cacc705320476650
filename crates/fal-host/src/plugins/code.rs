//! Which files a plugin consists of, as far as that can be seen from outside.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use fal_loader::Kind;

/// What Python imports, and what is put on its path; other files run only if the system may run them.
const IMPORTED: [&str; 12] = [
    "py", "pyc", "pyo", "pyw", "so", "pyd", "dylib", "dll", "pth", "zip", "egg", "whl",
];

/// The file of a plugin. For a program also the files in its folder and below that can run: what Python imports, compiled
/// files too, and what is executable. Hidden folders are left out: nothing in them has a name that Python imports.
///
/// # Errors
/// If a folder cannot be read, or if a link leads to a folder that is not among these.
pub(super) fn files(plugin: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![plugin.to_owned()];
    if Kind::of(plugin) == Kind::Program
        && let Some(folder) = plugin.parent()
    {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        Walk {
            top: &folder.canonicalize()?,
            files: &mut files,
        }
        .folder(folder)?;
    }
    Ok(files)
}

struct Walk<'a> {
    top: &'a Path,
    files: &'a mut Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut paths: Vec<_> = entries
            .map_err(|error| at(folder, &error))?
            .iter()
            .map(fs::DirEntry::path)
            .collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path.metadata() {
                Ok(found) if found.is_dir() && name.starts_with('.') => {}
                // Its files are found where they are.
                Ok(found) if found.is_dir() && path.is_symlink() => self.covers(&path)?,
                Ok(found) if found.is_dir() => self.folder(&path)?,
                Ok(found) if is_imported(&path) || found.permissions().mode() & 0o111 != 0 => {
                    self.files.push(path)
                }
                Ok(_) => {}
                // A link to nothing is nothing now, but may lead to something later.
                Err(_) if is_imported(&path) => self.files.push(path),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn covers(&self, link: &Path) -> io::Result<()> {
        let target = link.canonicalize().map_err(|error| at(link, &error))?;
        let hidden = |below: &Path| {
            below
                .iter()
                .any(|part| part.to_string_lossy().starts_with('.'))
        };
        match target.strip_prefix(self.top) {
            Ok(below) if !hidden(below) => Ok(()),
            _ => Err(io::Error::other(format!(
                "{} is a link to {}, a folder that is not covered by trust; put a copy in its place",
                link.display(),
                target.display()
            ))),
        }
    }
}

fn is_imported(path: &Path) -> bool {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| IMPORTED.contains(&&*extension))
}

pub(super) fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn a_program_is_more_than_its_file_and_a_library_is_not() {
        let deep = format!("{}c.py", "d/".repeat(20));
        let folder = folder(&[
            "b.fal-plugin",
            "c.py",
            "c.cpython-311-x86_64-linux-gnu.so",
            "acme/d.py",
            "notes.txt",
            ".git/e.py",
            "__pycache__/c.cpython-311.pyc",
            "env/f.py",
            "env/pyvenv.cfg",
            "tool",
            &deep,
        ]);
        fs::set_permissions(
            folder.path().join("tool"),
            fs::Permissions::from_mode(0o755),
        )
        .unwrap();
        symlink("acme", folder.path().join("inside")).unwrap();
        symlink("nowhere.py", folder.path().join("later.py")).unwrap();
        let names = |plugin: &str| -> Vec<String> {
            let files = files(&folder.path().join(plugin)).unwrap().into_iter();
            files
                .map(|path| {
                    path.strip_prefix(folder.path())
                        .unwrap()
                        .display()
                        .to_string()
                })
                .collect()
        };
        assert_eq!(
            names("b.fal-plugin"),
            [
                "b.fal-plugin",
                "__pycache__/c.cpython-311.pyc",
                "acme/d.py",
                "c.cpython-311-x86_64-linux-gnu.so",
                "c.py",
                &deep,
                "env/f.py",
                "later.py",
                "tool",
            ]
        );
        assert_eq!(names("liba.so"), ["liba.so"]);
    }

    #[test]
    fn a_link_to_a_folder_outside_or_hidden_is_refused() {
        let outside = folder(&["helper/__init__.py"]);
        for target in [
            outside.path().join("helper"),
            PathBuf::from(".git/helper"),
            PathBuf::from(".."),
        ] {
            let folder = folder(&["b.fal-plugin", ".git/helper/__init__.py"]);
            symlink(&target, folder.path().join("helper")).unwrap();
            let error = files(&folder.path().join("b.fal-plugin"))
                .unwrap_err()
                .to_string();
            assert!(error.contains("helper is a link to"), "{error}");
        }
    }
}
