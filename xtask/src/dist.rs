//! `cargo xtask dist DIR`: lays out an installation.

use std::{fs, path::Path};

use crate::{
    error::{At, Result},
    interface, layout, program,
};

/// Builds and lays out an installation.
pub(crate) fn run(dir: &Path) -> Result<()> {
    program::run(&mut program::cargo("build --release"))?;
    lay_out(&layout::target().join("release"), dir)?;
    program::say(&format!("{}", dir.join("bin/fal-host").display()));
    Ok(())
}

/// Copies `bin/fal-host` and `lib/fal-host/plugins` from the folder `built` of cargo, and the sources
/// in `lib/fal-host/interface`.
pub(crate) fn lay_out(built: &Path, dir: &Path) -> Result<()> {
    let plugins = dir.join("lib/fal-host/plugins");
    put(&built.join("fal-host"), &dir.join("bin"))?;
    for name in layout::PLUGINS {
        let file = format!(
            "{}{name}{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        put(&built.join(file), &plugins)?;
    }
    for folder in layout::PROGRAMS {
        put_program(&layout::root().join("plugins").join(folder), &plugins)?;
    }
    interface::lay_out(&dir.join("lib/fal-host/interface"))?;
    put(
        &layout::root().join("LICENSE"),
        &dir.join("share/doc/fal-host"),
    )
}

/// A plugin that is a program: its `.fal-plugin`, and the Python files beside it.
fn put_program(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).at(from)?.flatten() {
        let (path, name) = (
            entry.path(),
            entry.file_name().to_string_lossy().into_owned(),
        );
        if name.ends_with(".fal-plugin") || name.ends_with(".py") {
            put(&path, to)?;
        } else if path.join("__init__.py").is_file() {
            put_program(&path, &to.join(name))?;
        }
    }
    Ok(())
}

fn put(file: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).at(folder)?;
    let copy = folder.join(file.file_name().unwrap_or_default());
    // The old file is removed first: a library that a running process has mapped must not be
    // written to.
    let _ = fs::remove_file(&copy);
    fs::copy(file, &copy).at(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_is_a_program_comes_with_its_modules_and_without_its_tests() {
        let folder = tempfile::tempdir().unwrap();
        put_program(
            &layout::root().join("plugins/fal-ray-runner"),
            folder.path(),
        )
        .unwrap();
        let here = |name: &str| folder.path().join(name);
        let program = fs::metadata(here("fal-ray-runner.fal-plugin")).unwrap();
        #[cfg(unix)]
        assert_ne!(
            std::os::unix::fs::PermissionsExt::mode(&program.permissions()) & 0o100,
            0
        );
        assert!(here("fal_ray_runner/driver.py").is_file());
        let library = fs::symlink_metadata(here("fal_plugin.py")).unwrap();
        assert!(library.is_file(), "a copy, since the sources are not there");
        assert!(!here("tests").exists() && !here("pyproject.toml").exists());
    }
}
