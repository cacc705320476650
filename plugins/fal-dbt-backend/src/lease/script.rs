//! Writes the lease's script: one Python file that holds everything the runner needs.

use std::{
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use base64::{engine::general_purpose::STANDARD, Engine};
use fal_files::Root;
use fal_plugin::payload::{GatewayAccess, LeaseInput};
use serde::Serialize;

use super::{bundle::Bundle, zip::zip};
use crate::{assets, python::Work};

/// The script's code, with placeholders for the data.
const BOOTSTRAP: &str = include_str!("../../python/fal_worker/remote/bootstrap.py");

/// The data of a script: the job, and its access to the gateway.
#[derive(Serialize)]
pub(crate) struct Contents<'a> {
    #[serde(flatten)]
    pub(crate) access: &'a GatewayAccess,
    pub(crate) job: &'a Work<'a>,
    pub(crate) timeout: Option<f64>,
    pub(crate) inputs: &'a [LeaseInput],
    pub(crate) output_is_rows: bool,
}

impl Contents<'_> {
    /// Returns the script's text.
    pub(crate) fn script(&self, project: &Bundle) -> io::Result<String> {
        let lease = STANDARD.encode(serde_json::to_vec(self)?);
        let data = [
            ("worker", worker()),
            ("project", &STANDARD.encode(&project.zip)),
            ("lease", &lease),
        ];
        let fill = |text: String, (name, data): (&str, &str)| {
            text.replacen(&format!("{{{{{name}}}}}"), data, 1)
        };
        Ok(data.into_iter().fold(BOOTSTRAP.to_owned(), fill))
    }
}

/// Writes a script to a file that only its owner can read.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let name = format!("{name}.py");
    Root::create(folder)?.write_private(&name, text.as_bytes())?;
    Ok(folder.join(name))
}

/// Returns the worker's package, which is packed once in each process.
fn worker() -> &'static str {
    static WORKER: OnceLock<String> = OnceLock::new();
    WORKER.get_or_init(|| {
        let files = assets::files().filter(|(name, _)| is_for_jobs(name));
        STANDARD.encode(zip(files).expect("the worker is small, and each name is there once"))
    })
}

/// Modules of the session that jobs use too.
const SHARED: &[&str] = &[
    "unit_tests/__init__.py",
    "unit_tests/job.py",
    "unit_tests/sql.py",
    "warehouse/__init__.py",
    "warehouse/column_rules.py",
    "warehouse/duckdb/__init__.py",
    "warehouse/duckdb/read.py",
    "warehouse/duckdb/types.py",
    "warehouse/values.py",
];

/// Returns whether a job needs the file: the modules that run dbt stay out.
fn is_for_jobs(name: &str) -> bool {
    let name = name.strip_prefix("fal_worker/").unwrap_or(name);
    let of_session = [
        "engine/",
        "gateway/",
        "materialization/",
        "project/",
        "unit_tests/",
        "warehouse/",
    ]
    .iter()
    .any(|part| name.starts_with(part));
    !of_session || SHARED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_the_bootstrap_is_filled_once() {
        for name in ["worker", "project", "lease"] {
            assert_eq!(
                BOOTSTRAP.matches(&format!("{{{{{name}}}}}")).count(),
                1,
                "{name}"
            );
        }
    }

    fn shipped() -> Vec<(&'static str, String)> {
        let files = assets::files().filter(|(name, _)| is_for_jobs(name) && name.ends_with(".py"));
        files
            .map(|(name, bytes)| (name, String::from_utf8_lossy(bytes).into_owned()))
            .collect()
    }

    #[test]
    fn the_worker_of_a_script_has_jobs_and_no_dbt() {
        let files = shipped();
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        assert!(
            names.contains(&"fal_worker/remote/supervision.py")
                && names.contains(&"fal_worker/job/run.py")
        );
        assert!(files
            .iter()
            .all(|(_, text)| !text.lines().any(|line| line.starts_with("import dbt"))));
        assert!(worker().len() < 400_000, "{}", worker().len());
    }

    /// Returns the text with each parenthesized import on one line.
    fn one_line_imports(text: &str) -> String {
        let mut parts = text.split(" import (");
        let mut joined = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (names, rest) = part.split_once(')').unwrap();
            joined.push_str(" import ");
            joined.push_str(names.replace('\n', " ").trim().trim_end_matches(','));
            joined.push_str(rest);
        }
        joined
    }

    /// Returns the worker's modules that a file imports, as paths without an ending.
    fn imported(name: &str, text: &str) -> Vec<String> {
        let package = name.rsplit_once('/').unwrap().0;
        let mut checking = false;
        let mut found = Vec::new();
        for line in one_line_imports(text).lines() {
            if !line.is_empty() && !line.starts_with(' ') {
                checking = line == "if TYPE_CHECKING:";
            }
            let Some((from, names)) = line
                .trim()
                .strip_prefix("from ")
                .and_then(|rest| rest.split_once(" import "))
            else {
                continue;
            };
            let from = match from.strip_prefix('.') {
                Some("") => package.to_owned(),
                Some(module) => format!("{package}/{}", module.replace('.', "/")),
                None if from.split('.').next() == Some("fal_worker") => from.replace('.', "/"),
                None => continue,
            };
            if !checking {
                found.extend(
                    names
                        .split(',')
                        .map(|each| format!("{from}/{}", each.split_whitespace().next().unwrap())),
                );
            }
        }
        found
    }

    #[test]
    fn whatever_the_worker_of_a_script_imports_goes_along() {
        let files = shipped();
        let has = |module: &str| {
            files.iter().any(|(name, _)| {
                *name == format!("{module}.py") || *name == format!("{module}/__init__.py")
            })
        };
        let imports = files.iter().flat_map(|(name, text)| {
            imported(name, text)
                .into_iter()
                .map(move |path| (*name, path))
        });
        // An imported name is defined in the module, or is a module of the package itself.
        let missing: Vec<_> = imports
            .filter(|(_, path)| {
                let module = path.rsplit_once('/').unwrap().0;
                let is_package = files
                    .iter()
                    .any(|(name, _)| *name == format!("{module}/__init__.py"));
                !has(path) && (!has(module) || is_package && !defines(&files, module, path))
            })
            .collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }

    /// Returns whether the package's `__init__` defines the name.
    fn defines(files: &[(&str, String)], module: &str, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap();
        files
            .iter()
            .any(|(file, text)| *file == format!("{module}/__init__.py") && text.contains(name))
    }
}
