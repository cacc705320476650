//! Packs the project's files for leases: its Python files, and those that the configuration names.
//!
//! Files that look like secrets stay out, and so do files outside of the project that a symbolic
//! link leads to.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ignore::{
    overrides::{Override, OverrideBuilder},
    DirEntry, WalkBuilder,
};

use super::zip::zip;

/// The largest sum of the files' sizes, in bytes.
const LARGEST: u64 = 32 << 20;
/// The largest number of files that a zip archive's directory can hold.
const MOST: usize = u16::MAX as usize;
/// The number of files that a message about the limit names.
const NAMED: usize = 5;
/// Folder for the scripts in the archive, if the scripts' folder is not below the project.
const SCRIPTS: &str = "_fal_scripts";
/// Folders that dbt writes, directly below the project. Deeper folders of the same names may hold
/// models.
const OF_DBT: [&str; 4] = ["target", "dbt_packages", "dbt_modules", "logs"];
/// Folders that tools write, in addition to hidden ones.
const OF_TOOLS: [&str; 2] = ["node_modules", "__pycache__"];
/// Endings of files that look like secrets. They are left out even if the configuration names them.
const SECRET_ENDS: [&str; 9] = [
    ".pem", ".key", ".p12", ".pfx", ".jks", ".keytab", ".crt", ".kdbx", ".ppk",
];
const SECRET_NAMES: [&str; 5] = [
    "profiles.yml",
    "profiles.yaml",
    "credentials.json",
    "service_account.json",
    "id_rsa",
];

/// The packed files.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    pub(crate) zip: Vec<u8>,
    pub(crate) files: usize,
    /// Path of the scripts' folder, relative to the project's folder.
    pub(crate) scripts_dir: Option<String>,
}

/// Why the files cannot be packed.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum BundleError {
    /// A configured pattern is not valid.
    #[error("`bundle: {glob}` is no pattern: {cause}")]
    Glob {
        /// The pattern as written in the configuration.
        glob: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The files are too large. Holds the names and sizes of the largest.
    #[error("the project's files for a runner are larger than {} MiB; the largest: {}", LARGEST >> 20, .0.join(", "))]
    Large(Vec<String>),
    /// There are too many files. Holds their number.
    #[error("the project has {0} files for a runner; more than {MOST} cannot go along: name fewer under `bundle:`")]
    Many(usize),
    /// A file cannot be read.
    #[error("{} cannot be read: {cause}", .path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
}

/// The folders to pack, and the patterns of further files.
pub(crate) struct Sources<'a> {
    pub(crate) project: &'a Path,
    pub(crate) scripts: Option<&'a Path>,
    /// dbt's target folder.
    pub(crate) target: &'a Path,
    pub(crate) globs: &'a [String],
}

impl Sources<'_> {
    /// Collects the files and packs them into a zip archive.
    pub(crate) fn pack(&self) -> Result<Bundle, BundleError> {
        let mut files = self.files(self.project, "", &self.wanted()?)?;
        let mut scripts_dir = None;
        if let Some(scripts) = self.scripts {
            scripts_dir = Some(match scripts.strip_prefix(self.project) {
                Ok(below) => slashed(below),
                Err(_) => {
                    files.extend(self.files(scripts, SCRIPTS, &Override::empty())?);
                    SCRIPTS.to_owned()
                }
            });
        }
        check_size(&files)?;
        let read =
            |(name, path, _): &(String, PathBuf, u64)| match fal_files::read(path, fal_files::DATA)
            {
                Ok(bytes) => Ok((name.clone(), bytes)),
                Err(cause) => Err(failed(path, &cause)),
            };
        let read = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let zip = zip(read
            .iter()
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
        .map_err(|cause| failed(self.project, &cause))?;
        Ok(Bundle {
            zip,
            files: files.len(),
            scripts_dir,
        })
    }

    fn wanted(&self) -> Result<Override, BundleError> {
        let mut builder = OverrideBuilder::new(self.project);
        for glob in self.globs {
            // Refuse a pattern that begins with `!`, since it would exclude files.
            let added = if glob.starts_with('!') {
                None
            } else {
                builder.add(glob).err().map(|e| e.to_string())
            };
            let cause = if glob.starts_with('!') {
                Some("it names what is wanted".to_owned())
            } else {
                added
            };
            if let Some(cause) = cause {
                return Err(BundleError::Glob {
                    glob: glob.clone(),
                    cause,
                });
            }
        }
        builder.build().map_err(|cause| BundleError::Glob {
            glob: self.globs.join(", "),
            cause: cause.to_string(),
        })
    }

    /// Returns the name in the archive, the path and the size of each file below a folder, sorted
    /// by name.
    fn files(
        &self,
        folder: &Path,
        place: &str,
        wanted: &Override,
    ) -> Result<Vec<(String, PathBuf, u64)>, BundleError> {
        let target = self.target.to_owned();
        let walk = WalkBuilder::new(folder)
            .standard_filters(false)
            .filter_entry(move |entry| entry.depth() == 0 || is_entered(entry, &target))
            .build();
        let resolved = ResolvedFolder::new(folder)?;
        let mut found = Vec::new();
        for entry in walk.filter_map(Result::ok) {
            let path = entry.path();
            if !is_python(path) && !wanted.matched(path, false).is_whitelist() {
                continue;
            }
            if let Some((real, size)) = resolved
                .file(path)
                .filter(|(real, _)| !is_secret(path) && !is_secret(real))
            {
                let name = Path::new(place).join(path.strip_prefix(folder).unwrap_or(path));
                found.push((slashed(&name), real, size));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A folder whose path has no symbolic links. Files that lie in it may be packed.
struct ResolvedFolder(PathBuf);

impl ResolvedFolder {
    fn new(folder: &Path) -> Result<Self, BundleError> {
        fal_files::real(folder)
            .map(Self)
            .map_err(|cause| failed(folder, &cause))
    }

    /// Returns the resolved path and the size of a regular file, if it lies in the folder. A
    /// symbolic link with the name of a Python file may lead to a secret of the user.
    fn file(&self, path: &Path) -> Option<(PathBuf, u64)> {
        let real = path.canonicalize().ok()?;
        let below = real.strip_prefix(&self.0).ok()?;
        let is_hidden = below
            .components()
            .any(|part| part.as_os_str().as_encoded_bytes().starts_with(b"."));
        let meta = fs::symlink_metadata(&real)
            .ok()
            .filter(|meta| meta.is_file() && !is_hidden)?;
        Some((real, meta.len()))
    }
}

fn check_size(files: &[(String, PathBuf, u64)]) -> Result<(), BundleError> {
    if files.len() > MOST {
        return Err(BundleError::Many(files.len()));
    }
    if files.iter().map(|(_, _, size)| size).sum::<u64>() <= LARGEST {
        return Ok(());
    }
    let mut largest: Vec<_> = files.iter().collect();
    largest.sort_by_key(|(_, _, size)| std::cmp::Reverse(*size));
    let described = |(name, _, size): &&(String, PathBuf, u64)| {
        format!("{name} ({:.1} MiB)", *size as f64 / f64::from(1 << 20))
    };
    Err(BundleError::Large(
        largest.iter().take(NAMED).map(described).collect(),
    ))
}

fn is_entered(entry: &DirEntry, target: &Path) -> bool {
    let name = entry.file_name().to_string_lossy();
    if name.starts_with('.') {
        return false;
    }
    let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
    let is_environment = || {
        ["pyvenv.cfg", "conda-meta"]
            .iter()
            .any(|mark| entry.path().join(mark).exists())
    };
    let is_generated = entry.depth() == 1 && OF_DBT.contains(&&*name) || entry.path() == target;
    !is_folder || !(is_generated || OF_TOOLS.contains(&&*name) || is_environment())
}

fn is_python(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "py" || extension == "ipynb")
}

fn is_secret(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.starts_with('.')
        || SECRET_NAMES.contains(&&*name)
        || name.starts_with("id_") && !is_python(path)
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

fn slashed(path: &Path) -> String {
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn failed(path: &Path, cause: &io::Error) -> BundleError {
    BundleError::Read {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    fn names(folder: &Path, globs: &[&str]) -> Vec<String> {
        let globs: Vec<_> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        let target = folder.join("out");
        let sources = Sources {
            project: folder,
            scripts: None,
            target: &target,
            globs: &globs,
        };
        let files = sources
            .files(folder, "", &sources.wanted().unwrap())
            .unwrap();
        files.into_iter().map(|(name, _, _)| name).collect()
    }

    #[test]
    fn python_goes_along_and_nothing_that_is_generated_hidden_or_secret() {
        let folder = project(&[
            "models/a.py",
            "models/b.ipynb",
            "models/c.sql",
            "lib/deep/helper.py",
            "target/x.py",
            "out/x.py",
            "dbt_packages/p/x.py",
            "logs/x.py",
            "models/logs/d.py",
            ".hidden/x.py",
            "env/pyvenv.cfg",
            "env/lib/x.py",
            "models/__pycache__/x.py",
            "profiles.yml",
            ".env",
            "data/rows.csv",
            "data/server.pem",
            "id_ed25519",
        ]);
        let usual = [
            "lib/deep/helper.py",
            "models/a.py",
            "models/b.ipynb",
            "models/logs/d.py",
        ];
        assert_eq!(names(folder.path(), &[]), usual);
        let wide = names(
            folder.path(),
            &["data/**", "*.yml", "id_*", ".env", "target/*.py"],
        );
        assert_eq!(wide, [&["data/rows.csv"], &usual[..]].concat());
    }

    #[test]
    fn a_link_goes_along_only_where_it_leads_to_a_file_of_the_project() {
        let (folder, outside) = (
            project(&["lib/a.py", ".env", ".git/config", "profiles.yml"]),
            project(&["secret", "deep/b.py"]),
        );
        let link = |name: &str, to: &Path| {
            std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap()
        };
        link("inside.py", Path::new("lib/a.py"));
        link("secret.py", &outside.path().join("secret"));
        link("up.py", Path::new("../../etc/passwd"));
        link("hidden.py", Path::new(".env"));
        link("git.py", Path::new(".git/config"));
        link("profile.py", Path::new("profiles.yml"));
        link("device.py", Path::new("/dev/zero"));
        link("folder", &outside.path().join("deep"));
        link("lib/nothing.py", Path::new("gone.py"));
        assert_eq!(names(folder.path(), &["**"]), ["inside.py", "lib/a.py"]);
    }

    #[test]
    fn a_project_reached_by_a_link_has_its_files() {
        let (folder, place) = (project(&["a.py"]), tempfile::tempdir().unwrap());
        let link = place.path().join("project");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        assert_eq!(names(&link, &[]), ["a.py"]);
    }

    #[test]
    fn scripts_elsewhere_get_a_place_in_it() {
        let (folder, scripts) = (project(&["models/a.py"]), project(&["load.py"]));
        let pack = |scripts: &Path| {
            let sources = Sources {
                project: folder.path(),
                scripts: Some(scripts),
                target: Path::new("/t"),
                globs: &[],
            };
            sources.pack().unwrap()
        };
        let bundle = pack(scripts.path());
        assert_eq!(
            (bundle.files, bundle.scripts_dir.as_deref()),
            (2, Some("_fal_scripts"))
        );
        let bundle = pack(&folder.path().join("models"));
        assert_eq!(
            (bundle.files, bundle.scripts_dir.as_deref()),
            (1, Some("models"))
        );
    }

    #[test]
    fn what_is_too_large_is_named() {
        let file = |name: &str, size| (name.to_owned(), PathBuf::new(), size);
        let files = [file("small.py", 10), file("huge.ipynb", 40 << 20)];
        insta::assert_snapshot!(check_size(&files).unwrap_err(), @"the project's files for a runner are larger than 32 MiB; the largest: huge.ipynb (40.0 MiB), small.py (0.0 MiB)");
        assert!(check_size(&files[..1]).is_ok());
        let many = vec![file("__init__.py", 0); MOST + 1];
        insta::assert_snapshot!(check_size(&many).unwrap_err(), @"the project has 65536 files for a runner; more than 65535 cannot go along: name fewer under `bundle:`");
        assert!(check_size(&many[1..]).is_ok());
    }
}
