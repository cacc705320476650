//! The environment of dbt 2, a program that brings no Python and loads the warehouse's library.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use crate::{
    error::{At, Result},
    layout, program,
    venv::{self, Venv},
};

/// dbt 2 itself and what models import.
const REQUIREMENTS: &str = "tests/dbt2-requirements.txt";
/// npm, for machines that have none.
const NPM: &str = "tests/npm-requirements.txt";
/// The package of DuckDB's library that dbt 2 loads. PyPI has it only inside of Python's modules.
const DUCKDB: &str = "@duckdb/node-bindings-linux-x64@1.5.3-r.3";
const LIBRARY: &str = "libduckdb.so";
/// Where dbt 2 puts the drivers that it downloads, below `XDG_CACHE_HOME`: the environment's folder
/// `cache`.
const CACHED: &str = "com.getdbt/adbc/x86_64-manylinux_2_17-linux-gnu";
/// PostgreSQL's, which the environment has for Python.
const DRIVER: &str = "libadbc_driver_postgresql-0.21.0+dbt0.21.0.so";

/// Returns why this machine cannot run dbt 2, if it cannot.
pub(crate) fn missing() -> Option<&'static str> {
    let known = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    (!known).then_some("its library of DuckDB is known here for Linux on x86-64 only")
}

/// Makes the environment below cargo's target folder, or updates it.
pub(crate) fn environment() -> Result<Venv> {
    let folder = layout::target().join("dbt2-venv");
    let venv = venv::within(folder.clone(), REQUIREMENTS)?;
    // dbt 2 looks for `lib` in the folders above its program.
    let (library, marker) = (folder.join("lib"), folder.join("xtask-duckdb"));
    let current = fs::read_to_string(&marker).is_ok_and(|installed| installed == DUCKDB);
    if !current || !library.join(LIBRARY).exists() {
        let packed = program::output(npm(&folder)?.args(["pack", "--silent", DUCKDB]))?;
        let archive = folder.join(packed.trim());
        let mut tar = program::program("tar", &library);
        tar.arg("-xzf").arg(&archive);
        program::run(tar.args(["--strip-components=1", &format!("package/{LIBRARY}")]))?;
        fs::remove_file(&archive).at(&archive)?;
        fs::write(&marker, DUCKDB).at(&marker)?;
    }
    let cached = folder.join("cache").join(CACHED);
    fs::create_dir_all(&cached).at(&cached)?;
    let link = cached.join(DRIVER);
    if !link.exists() {
        let asks = "import adbc_driver_postgresql as driver; print(driver._driver_path())";
        let driver = program::output(program::program(venv.python(), &folder).args(["-c", asks]))?;
        // One of an earlier environment.
        let _ = fs::remove_file(&link);
        symlink(driver.trim(), &link).at(&link)?;
    }
    Ok(venv)
}

/// Makes a command of npm: the machine's, or that of a separate environment.
fn npm(folder: &Path) -> Result<Command> {
    if program::works(program::program("npm", folder).arg("--version")) {
        return Ok(program::program("npm", folder));
    }
    let venv = venv::within(layout::target().join("npm-venv"), NPM)?;
    Ok(program::program(venv.program("npm"), folder))
}
