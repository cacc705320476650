//! A call of a Python parser with a file of 2 KB: direct, through its library, and in a separate
//! process.
//!
//! The example `door` of fal-loader measures, because only a Rust program of the workspace can call
//! a stage directly. A stage that does nothing shows the cost of the call alone; with a real stage
//! the analysis travels as JSON too, which is part of the cost.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX, EXE_SUFFIX},
    fs,
    path::Path,
    process::Command,
};

use serde_json::Value;

use super::{Bench, table::Table};
use crate::{
    error::{At, Result},
    layout,
    program::{self, cargo},
};

const LIBRARY: &str = "< 5 µs more";
const PROCESS: &str = "< 200 µs more";

pub(super) fn measure(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    program::run(&mut cargo([
        "build",
        "--release",
        "--package",
        "fal-plugin",
        "--example",
        "echo",
    ]))?;
    program::run(&mut cargo([
        "build",
        "--release",
        "--package",
        "fal-loader",
        "--example",
        "door",
    ]))?;
    let library = |name: &str| format!("{DLL_PREFIX}{name}{DLL_SUFFIX}");
    let mut command = Command::new(layout::release(&format!("examples/door{EXE_SUFFIX}")));
    command
        .arg(&bench.host)
        .arg(layout::release(&library("fal_python_parser")));
    command
        .arg(layout::release(&format!("examples/{}", library("echo"))))
        .arg(python(bench)?);
    let said = program::output(&mut command)?;
    let times: Value = serde_json::from_str(&said).unwrap_or_default();
    let time = |name: &str| times[name].as_u64().unwrap_or_default();
    let direct = ("direct call", time("parse: direct"));
    for (what, name, aim) in [
        (
            "parse of 2 KB, through the library",
            "parse: library",
            LIBRARY,
        ),
        (
            "parse of 2 KB, library in a separate process",
            "parse: process",
            PROCESS,
        ),
    ] {
        table.beyond(what, time(name), direct, aim);
    }
    for (what, name, aim) in [
        (
            "the analysis as JSON, written and read, which is part of both",
            "parse: JSON",
            "",
        ),
        (
            "a stage that does nothing, 2 KB, through the library",
            "echo: library",
            LIBRARY,
        ),
        ("the same in a separate process", "echo: process", PROCESS),
        ("the same in Python", "echo: process, Python", PROCESS),
    ] {
        table.call(what, time(name), aim);
    }
    Ok(())
}

/// Writes the plugin in Python, with the module that it imports.
fn python(bench: &Bench<'_>) -> Result<std::path::PathBuf> {
    let folder = bench.scratch.path().join("door");
    fs::create_dir_all(&folder).at(&folder)?;
    let of = |path: &str| layout::root().join("crates").join(path);
    let plugin = folder.join("echo.fal-plugin");
    for (from, to) in [
        (of("fal-loader/examples/echo.py"), plugin.clone()),
        (
            of("fal-plugin/python/fal_plugin.py"),
            folder.join("fal_plugin.py"),
        ),
    ] {
        fs::copy(&from, &to).at(&from)?;
    }
    executable(&plugin)?;
    Ok(plugin)
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).at(path)
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> Result<()> {
    Ok(())
}
