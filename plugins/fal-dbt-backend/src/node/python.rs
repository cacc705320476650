//! Runs Python and notebook models as jobs.

use std::path::Path;

use fal_plugin::{
    payload::{NodeResult, PythonWork, Resources},
    PluginError,
};

use super::gateway_job::{self, Purpose};
use crate::{engine::Owner, python::Work, run::Run};

/// Runs a model and returns its result.
pub(crate) fn run(
    run: &Run,
    unique_id: &str,
    work: &PythonWork,
    resources: &Resources,
) -> Result<NodeResult, PluginError> {
    let owner = Owner {
        unique_id,
        ..Owner::default()
    };
    gateway_job::run(run, owner, Purpose::Run, |token, _| {
        let cwd = run.cwd();
        run.run_job(&Work {
            timeout: resources.timeout,
            ..work_of(run, unique_id, work, token, &cwd)
        })
    })
}

/// Returns the work of a model's job.
pub(crate) fn work_of<'a>(
    run: &'a Run,
    unique_id: &'a str,
    work: &'a PythonWork,
    token: &'a str,
    cwd: &'a Path,
) -> Work<'a> {
    Work {
        path: &work.path,
        code: &work.code,
        lines: work.lines.as_deref(),
        token,
        environment: work.environment.as_deref(),
        ..run.work(unique_id, cwd)
    }
}
