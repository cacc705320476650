//! The Python that has dbt, for the host and for the tests' own questions to dbt and DuckDB.

use std::{env, path::PathBuf, process::Command};

use serde_json::Value;

/// The interpreter.
///
/// # Panics
/// If `FAL_TEST_DBT_PYTHON` is not set.
pub fn dbt_python() -> PathBuf {
    let named = env::var_os("FAL_TEST_DBT_PYTHON").filter(|value| !value.is_empty());
    named.map(PathBuf::from).expect(
        "this test needs FAL_TEST_DBT_PYTHON: a Python with dbt-core, dbt-duckdb, pandas, polars and pyarrow. \
         `cargo xtask test` makes one and runs all tests with it",
    )
}

/// The interpreter of an environment with dbt 2.
///
/// # Panics
/// If `FAL_TEST_DBT2_PYTHON` is not set.
pub fn dbt2_python() -> PathBuf {
    let named = env::var_os("FAL_TEST_DBT2_PYTHON").filter(|value| !value.is_empty());
    named.map(PathBuf::from).expect(
        "this test needs FAL_TEST_DBT2_PYTHON: a Python with dbt 2, pandas, polars and pyarrow. \
         `cargo xtask test --only dbt2` makes one and runs these tests with it",
    )
}

/// The folder of the environment with dbt 2.
pub fn dbt2_folder() -> PathBuf {
    let python = dbt2_python();
    let folder = python.ancestors().nth(2);
    folder.map(PathBuf::from).unwrap_or_default()
}

/// Runs a program with the interpreter of [`dbt_python`] and gives the JSON that it prints.
///
/// # Panics
/// If it fails.
#[track_caller]
pub fn python(program: &str, args: &[&str]) -> Value {
    let mut command = Command::new(dbt_python());
    command.arg("-c").arg(program).args(args).env("TZ", "UTC");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{args:?}\n{stdout}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}\n{stdout}"))
}
