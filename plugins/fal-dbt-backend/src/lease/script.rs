//! The lease's script: one file of Python with everything in it.

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
use crate::{assets, job::Work};

/// What stands around the data.
const BOOTSTRAP: &str = include_str!("../../python/fal_worker/remote/bootstrap.py");

/// What the script is to do.
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
    /// The script's text.
    pub(crate) fn script(&self, project: &Bundle) -> io::Result<String> {
        let lease = STANDARD.encode(serde_json::to_vec(self)?);
        let data = [("worker", worker()), ("project", &STANDARD.encode(&project.zip)), ("lease", &lease)];
        let fill = |text: String, (name, data): (&str, &str)| text.replacen(&format!("{{{{{name}}}}}"), data, 1);
        Ok(data.into_iter().fold(BOOTSTRAP.to_owned(), fill))
    }
}

/// Writes it where only its owner can read it.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let name = format!("{name}.py");
    Root::create(folder)?.write_private(&name, text.as_bytes())?;
    Ok(folder.join(name))
}

/// The package, packed once a process.
fn worker() -> &'static str {
    static WORKER: OnceLock<String> = OnceLock::new();
    WORKER.get_or_init(|| STANDARD.encode(zip(assets::files().filter(|(name, _)| is_for_jobs(name)))))
}

/// What a job needs: not what runs dbt.
fn is_for_jobs(name: &str) -> bool {
    let of_session =
        ["session/", "commands/", "gateway/"].iter().any(|part| name.starts_with(&format!("fal_worker/{part}")));
    !of_session || ["fal_worker/gateway/__init__.py", "fal_worker/gateway/duckdb_types.py"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_the_bootstrap_is_filled_once() {
        for name in ["worker", "project", "lease"] {
            assert_eq!(BOOTSTRAP.matches(&format!("{{{{{name}}}}}")).count(), 1, "{name}");
        }
    }

    #[test]
    fn the_worker_of_a_script_has_jobs_and_no_dbt() {
        let names: Vec<_> = assets::files().map(|(name, _)| name).filter(|name| is_for_jobs(name)).collect();
        assert!(names.contains(&"fal_worker/remote/keeper.py") && names.contains(&"fal_worker/job/run.py"));
        assert!(!names.iter().any(|name| name.contains("session/") || name.contains("commands/")));
        assert!(worker().len() < 400_000, "{}", worker().len());
    }
}
