//! `cargo xtask wheel`: the wheels of fal-host and of its package for notebooks.
//!
//! The wheel of fal-host is an installation (`dist`) that hatchling packs: `python/pyproject.toml`
//! and `python/hatch_build.py` say how. By default it holds the release build and is for this
//! machine and newer ones; with `--portable` it is compiled for an older glibc (`portable`).

mod audit;
mod portable;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    args::WheelArgs,
    dist,
    error::{At, Result, XtaskError},
    layout, program,
    venv::{self, Venv},
};

/// What packs wheels and names their platform.
const TOOLS: &str = "xtask/wheel/build.txt";

/// The two wheels.
#[derive(Debug)]
pub(crate) struct Wheels {
    /// fal-host: the program, its plugins and the module `fal_host`.
    pub(crate) host: PathBuf,
    /// fal-host-notebook: the modules `fal` and `faldbt`.
    pub(crate) notebook: PathBuf,
}

/// Makes the wheels in `target/wheels`, from which it removes those of earlier calls.
pub(crate) fn run(args: &WheelArgs) -> Result<()> {
    let folder = layout::target().join("wheels");
    let wheels = if args.portable {
        portable::make(&folder)?
    } else {
        make(&folder)?
    };
    for wheel in [&wheels.host, &wheels.notebook] {
        let size = fs::metadata(wheel).at(wheel)?.len();
        program::say(&format!("{} ({})", wheel.display(), megabytes(size)));
    }
    program::say(&format!(
        "\nTo install fal-host with dbt and DuckDB, for example:\n\n  uv tool install \"{}[duckdb]\"",
        wheels.host.display()
    ));
    Ok(())
}

/// Makes the wheels of the release build in an empty `folder`. Their tag is the oldest platform that
/// the programs run on.
pub(crate) fn make(folder: &Path) -> Result<Wheels> {
    program::run(&mut program::cargo("build --release"))?;
    let venv = tools()?;
    let here = platform(&venv)?;
    let installation = lay_out(&layout::target().join("release"))?;
    empty(folder)?;
    let host = pack(&venv, installation.path(), &here, folder)?;
    let oldest = if here.starts_with("linux_") {
        audit::of(&venv, &host)?.platform
    } else {
        here.clone()
    };
    let host = if oldest == here {
        host
    } else {
        fs::remove_file(&host).at(&host)?;
        pack(&venv, installation.path(), &oldest, folder)?
    };
    let notebook = pack_notebook(&venv, folder)?;
    Ok(Wheels { host, notebook })
}

/// Makes the environment that packs wheels.
fn tools() -> Result<Venv> {
    venv::within(layout::target().join("wheel-venv"), TOOLS)
}

/// Returns the tag of wheels for this machine alone: `linux_x86_64`.
fn platform(venv: &Venv) -> Result<String> {
    let code =
        "import re, sysconfig; print(re.sub('[^a-z0-9]', '_', sysconfig.get_platform().lower()))";
    let mut command = program::program(venv.python(), layout::root());
    let answer = program::output(command.args(["-c", code]))?;
    Ok(answer.trim().to_owned())
}

/// Lays out an installation in a temporary folder.
fn lay_out(built: &Path) -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir_in(layout::target()).at(layout::target())?;
    dist::lay_out(built, folder.path())?;
    Ok(folder)
}

/// Packs an installation as a wheel with the tag of a platform.
fn pack(venv: &Venv, installation: &Path, platform: &str, folder: &Path) -> Result<PathBuf> {
    let mut command = program::program(venv.program("hatchling"), &layout::root().join("python"));
    command
        .args(["build", "--target", "wheel", "--directory"])
        .arg(folder)
        .env("FAL_HOST_LAYOUT", installation)
        .env("FAL_HOST_PLATFORM", platform);
    program::run(&mut command)?;
    named(folder, "fal_host-")
}

fn pack_notebook(venv: &Venv, folder: &Path) -> Result<PathBuf> {
    let mut command = program::program(venv.program("hatchling"), &layout::worker());
    command
        .args(["build", "--target", "wheel", "--directory"])
        .arg(folder);
    program::run(&mut command)?;
    named(folder, "fal_host_notebook-")
}

/// Returns the wheel in `folder` whose name begins so.
fn named(folder: &Path, start: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).at(folder)?.flatten();
    let mut wheels = entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(start) && name.ends_with(".whl")
    });
    wheels.next().ok_or_else(|| XtaskError::Wheel {
        wheel: folder.join(format!("{start}*.whl")),
        why: "hatchling wrote no such file".to_owned(),
    })
}

/// Makes a folder, or removes the wheels in it.
fn empty(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).at(folder)?;
    for entry in fs::read_dir(folder).at(folder)?.flatten() {
        if entry.path().extension().is_some_and(|end| end == "whl") {
            fs::remove_file(entry.path()).at(entry.path())?;
        }
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes / 10_000 % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheels_are_told_apart_and_earlier_ones_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "fal_host-1.0.0-py3-none-linux_x86_64.whl",
            "fal_host_notebook-1.0.0-py3-none-any.whl",
            "notes.txt",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let host = named(folder.path(), "fal_host-").unwrap();
        assert!(host.ends_with("fal_host-1.0.0-py3-none-linux_x86_64.whl"));
        empty(folder.path()).unwrap();
        assert!(named(folder.path(), "fal_host").is_err());
        assert!(folder.path().join("notes.txt").exists());
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(megabytes(13_430_900), "13.43 MB");
        assert_eq!(megabytes(50_000), "0.05 MB");
    }
}
