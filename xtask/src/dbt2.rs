//! The environment of dbt 2, a program that brings no Python and loads the warehouse's library.

use std::fs;

use crate::{
    error::{At, Result},
    layout, program,
    venv::{self, Venv},
};

/// dbt 2 itself and what models import.
const REQUIREMENTS: &str = "tests/dbt2-requirements.txt";
/// The package of DuckDB's library that dbt 2 loads. PyPI has it only inside of Python's modules.
const DUCKDB: &str = "@duckdb/node-bindings-linux-x64@1.5.3-r.3";
const LIBRARY: &str = "libduckdb.so";

/// Returns why this machine cannot run dbt 2, if it cannot.
pub(crate) fn missing() -> Option<&'static str> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Some("its library of DuckDB is known here for Linux on x86-64 only");
    }
    let npm = program::works(program::program("npm", layout::root()).arg("--version"));
    (!npm).then_some("npm, which downloads DuckDB's library, is not installed")
}

/// Makes the environment below cargo's target folder, or updates it.
pub(crate) fn environment() -> Result<Venv> {
    let folder = layout::target().join("dbt2-venv");
    let venv = venv::within(folder.clone(), REQUIREMENTS)?;
    // dbt 2 looks for `lib` in the folders above its program.
    let (library, marker) = (folder.join("lib"), folder.join("xtask-duckdb"));
    let current = fs::read_to_string(&marker).is_ok_and(|installed| installed == DUCKDB);
    if !current || !library.join(LIBRARY).exists() {
        let packed =
            program::output(program::program("npm", &folder).args(["pack", "--silent", DUCKDB]))?;
        let archive = folder.join(packed.trim());
        let mut tar = program::program("tar", &library);
        tar.arg("-xzf").arg(&archive);
        program::run(tar.args(["--strip-components=1", &format!("package/{LIBRARY}")]))?;
        fs::remove_file(&archive).at(&archive)?;
        fs::write(&marker, DUCKDB).at(&marker)?;
    }
    Ok(venv)
}
