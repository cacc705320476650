//! Wheels and environments with fal-host, as pip and uv install them.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    built::{host, workspace},
    python::{dbt_python, python},
};

/// Where an environment has its plugins.
pub const PLUGINS: &str = "lib/fal-host/plugins";

/// Writes the wheel of a package, with these files at `data/...` or `scripts/...`.
///
/// # Panics
/// If it cannot be written.
#[track_caller]
pub fn wheel(folder: &Path, name: &str, version: &str, files: &[(PathBuf, String)]) -> PathBuf {
    let pairs: Vec<_> = files
        .iter()
        .map(|(file, place)| format!("{}={place}", file.display()))
        .collect();
    let folder = folder.display().to_string();
    let mut args = vec![folder.as_str(), name, version];
    args.extend(pairs.iter().map(String::as_str));
    let path = python(include_str!("python/wheel_of_files.py"), &args);
    PathBuf::from(path.as_str().unwrap_or_default())
}

/// Writes a wheel of fal-host with the files of the debug build, which `cargo xtask wheel` makes of the release.
///
/// # Panics
/// If it cannot be written.
#[track_caller]
pub fn wheel_of_host(folder: &Path) -> PathBuf {
    let files: Vec<_> = installed()
        .into_iter()
        .map(|(file, place)| {
            let place = match place.strip_prefix("bin/") {
                Some(name) => format!("scripts/{name}"),
                None => format!("data/{place}"),
            };
            (file, place)
        })
        .collect();
    wheel(folder, "fal-host", "0.1.0", &files)
}

/// The files of fal-host, with their places in an environment.
fn installed() -> Vec<(PathBuf, String)> {
    let plugins = workspace().join("plugins");
    let entries = fs::read_dir(&plugins).unwrap_or_else(|error| panic!("{error}"));
    let crates = entries.flatten().map(|entry| entry.path());
    let crates = crates.filter(|path| path.join("Cargo.toml").is_file());
    let libraries = crates.map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = format!("{DLL_PREFIX}{}{DLL_SUFFIX}", name.replace('-', "_"));
        (host().with_file_name(&file), format!("{PLUGINS}/{file}"))
    });
    [(host(), "bin/fal-host".to_owned())]
        .into_iter()
        .chain(libraries)
        .collect()
}

/// A virtual environment. Its folder is the caller's.
pub struct Environment {
    /// The folder.
    pub folder: PathBuf,
}

impl Environment {
    /// Makes an environment in a folder, which may have files already.
    ///
    /// # Panics
    /// If it cannot be made.
    #[track_caller]
    pub fn new(folder: PathBuf) -> Self {
        let python = dbt_python();
        run(Command::new(python)
            .args(["-m", "venv", "--without-pip"])
            .arg(&folder));
        Self { folder }
    }

    /// Puts fal-host into it as its wheel does. The files are links, since they are large.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn with_host(self) -> Self {
        let mut record = String::new();
        for (file, place) in installed() {
            let path = self.path(&place);
            let size = file.metadata().map(|data| data.len()).unwrap_or_default();
            record += &format!("../../../{place},sha256=,{size}\n");
            fs::create_dir_all(path.parent().unwrap_or(&path)).unwrap_or_default();
            let _ = fs::remove_file(&path);
            let linked = fs::hard_link(&file, &path).or_else(|_| fs::copy(&file, &path).map(drop));
            linked.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let metadata = self.site_packages().join("fal_host-0.1.0.dist-info");
        let write = |name: &str, text: &str| {
            fs::create_dir_all(&metadata).and_then(|()| fs::write(metadata.join(name), text))
        };
        write("RECORD", &record)
            .and_then(|()| write("METADATA", "Name: fal-host\nVersion: 0.1.0\n"))
            .unwrap_or_else(|error| panic!("{}: {error}", metadata.display()));
        self
    }

    /// A path in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// Installs a wheel.
    ///
    /// # Panics
    /// If uv fails.
    #[track_caller]
    pub fn install(&self, wheel: &Path) -> &Self {
        let mut command = Command::new("uv");
        command
            .args(["pip", "install", "--quiet", "--offline", "--python"])
            .arg(self.path("bin/python"))
            .arg(wheel);
        run(&mut command);
        self
    }

    /// Lets its Python import dbt.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn with_dbt(self) -> Self {
        let program = "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))";
        let site = python(program, &[]);
        let link = self.site_packages().join("dbt.pth");
        fs::write(&link, site.as_str().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{}: {error}", link.display()));
        self
    }

    fn site_packages(&self) -> PathBuf {
        let entries = fs::read_dir(self.path("lib")).into_iter().flatten();
        let mut folders = entries
            .flatten()
            .map(|entry| entry.path().join("site-packages"));
        folders
            .find(|folder| folder.is_dir())
            .unwrap_or_else(|| panic!("{}: no site-packages", self.folder.display()))
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
