//! What `fal-host doctor` says of dbt 2 and its warehouse, beyond that dbt reads the project.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_plugin::{payload::OpenRequest, PluginError};
use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{
    arguments,
    call::{Line, Program},
    choice::installed,
    settings::Settings,
};
use crate::error::AskError;

/// The command that asks for the checks.
pub(crate) const COMMAND: &str = "doctor";
/// The first PostgreSQL that takes a subquery without an alias.
const POSTGRES: u32 = 160_000;

/// Returns facts about the warehouse, a line each.
///
/// # Errors
/// `dbt::warehouse`, if dbt cannot open it or cannot run the nodes that read Python models there.
pub(crate) fn of_warehouse(
    program: &Program,
    request: &OpenRequest,
    settings: &Settings,
    python: &Path,
) -> Result<Vec<String>, AskError> {
    // dbt writes its artifacts anew, of a project with one node more.
    let mut apart = request.clone();
    apart.target_path = Some(
        PathBuf::from(&request.state_dir)
            .join("doctor")
            .display()
            .to_string(),
    );
    let ask = |sql: &str| answer(program, &apart, sql);
    match settings.adapter() {
        "duckdb" => of_duckdb(settings, python, ask),
        "postgres" => of_postgres(python, ask),
        _ => Ok(Vec::new()),
    }
}

/// Checks that dbt 2 can use the profile's address.
///
/// # Errors
/// `dbt::profile`, if the profile names the folder of a PostgreSQL server's socket.
pub(crate) fn of_address(settings: &Settings) -> Result<(), AskError> {
    let host = settings.output.get("host").and_then(Value::as_str);
    match host.filter(|host| host.starts_with('/') && settings.adapter() == "postgres") {
        None => Ok(()),
        Some(folder) => {
            let message = format!(
                "the target `{}` of the profile `{}` has the folder of a socket as its host, {folder}; dbt 2 connects to PostgreSQL by TCP only",
                settings.target_name, settings.profile_name
            );
            let help = "Set `host` to a name or an address, such as 127.0.0.1, and `port` (the server's `listen_addresses` must allow it), or use dbt-core 1.x.";
            Err(AskError::Answered(
                PluginError::new("dbt::profile", message).with_help(help),
            ))
        }
    }
}

fn of_duckdb(
    settings: &Settings,
    python: &Path,
    ask: impl Fn(&str) -> Result<String, AskError>,
) -> Result<Vec<String>, AskError> {
    let path = settings.output.get("path").and_then(Value::as_str);
    let of_python = match installed(python, "duckdb") {
        Some(version) => format!("DuckDB {version} in Python"),
        None => "no DuckDB in Python: models need the package duckdb".to_owned(),
    };
    // dbt would make the file to answer.
    let Some(path) = path.filter(|path| Path::new(path).exists()) else {
        return Ok(vec![format!(
            "{of_python}; dbt makes the database with its own"
        )]);
    };
    let version = ask("select version() as answer").map_err(|error| {
        let error = PluginError::from(error).message;
        let help =
            "If a newer DuckDB made the file, remove it, or copy its tables into a new one: \
            attach it with `storage_version 'v1.0.0'` and use `copy from database`.";
        warehouse(format!("dbt cannot open {path}: {error}"), help)
    })?;
    let version = version.trim_start_matches('v');
    Ok(vec![format!("DuckDB {version} in dbt, {of_python}")])
}

fn of_postgres(
    python: &Path,
    ask: impl Fn(&str) -> Result<String, AskError>,
) -> Result<Vec<String>, AskError> {
    let answer =
        ask("select current_setting('server_version_num') as answer").map_err(|error| {
            let error = PluginError::from(error).message;
            warehouse(
                format!("dbt cannot query PostgreSQL: {error}"),
                "See the profile.",
            )
        })?;
    check_postgres(&answer)?;
    let driver = match installed(python, "adbc_driver_postgresql") {
        Some(version) => format!("adbc-driver-postgresql {version} in Python"),
        None => "Python models need the package adbc-driver-postgresql".to_owned(),
    };
    Ok(vec![
        driver,
        "dbt 2 calls its support of PostgreSQL experimental".to_owned(),
    ])
}

fn check_postgres(version: &str) -> Result<(), AskError> {
    match version.parse::<u32>() {
        Ok(number) if number < POSTGRES => Err(warehouse(
            format!(
                "PostgreSQL {} is too old for dbt 2: SQL that reads a Python model has a subquery without an alias",
                number / 10_000
            ),
            "Use PostgreSQL 16 or newer, or dbt-core 1.x.",
        )),
        _ => Ok(()),
    }
}

/// Asks the warehouse, through dbt, for the one value of a column `answer`.
fn answer(program: &Program, request: &OpenRequest, sql: &str) -> Result<String, AskError> {
    let found = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&found);
    let ended = program.call(&arguments::show(request, sql), move |line| {
        if let Line::Event(event) = line {
            if let Some(value) = value(&event.message) {
                *heard.lock() = Some(value);
            }
        }
    })?;
    let found = found.lock().take();
    found.ok_or_else(|| AskError::Answered(PluginError::new("dbt::warehouse", ended.message())))
}

fn value(message: &str) -> Option<String> {
    let rows: Vec<Map<String, Value>> = serde_json::from_str(message.trim()).ok()?;
    rows.first()?.get("answer")?.as_str().map(str::to_owned)
}

fn warehouse(message: String, help: &str) -> AskError {
    AskError::Answered(PluginError::new("dbt::warehouse", message).with_help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_must_be_16() {
        for (version, is_fine) in [
            ("150018", false),
            ("160000", true),
            ("180001", true),
            ("?", true),
        ] {
            assert_eq!(check_postgres(version).is_ok(), is_fine, "{version}");
        }
        let error = PluginError::from(check_postgres("150018").unwrap_err());
        assert!(error.message.contains("PostgreSQL 15"), "{error}");
    }

    #[test]
    fn the_folder_of_a_socket_is_no_address_for_dbt_2() {
        for (adapter, host, is_fine) in [
            ("postgres", "/var/run/postgresql", false),
            ("postgres", "127.0.0.1", true),
            ("duckdb", "/x", true),
        ] {
            let output = serde_json::json!({ "type": adapter, "host": host });
            let settings = Settings {
                output: output.as_object().cloned().unwrap_or_default(),
                ..Settings::default()
            };
            assert_eq!(of_address(&settings).is_ok(), is_fine, "{adapter} {host}");
        }
    }

    #[test]
    fn an_answer_is_the_first_row_of_a_message() {
        assert_eq!(
            value("[{\"answer\":\"v1.5.3\"}]").as_deref(),
            Some("v1.5.3")
        );
        for other in ["", "Found 3 models", "[]", "[{\"v\":1}]"] {
            assert_eq!(value(other), None, "{other}");
        }
    }
}
