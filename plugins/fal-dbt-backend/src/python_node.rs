//! Runs Python and notebook models as jobs.

use std::path::Path;

use fal_plugin::{
    payload::{NodeResult, PythonWork, Resources},
    PluginError,
};

use crate::{
    gateway_job::{self, Owner},
    job::{Attachment, Kind, Work},
    job_end::JobEnd,
    run::Run,
};

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
    gateway_job::run(run, owner, |token| {
        let cwd = run.cwd();
        run.run_job(&Work {
            timeout: resources.timeout,
            ..work_of(run, unique_id, work, token, &cwd)
        })
    })
}

/// Runs the code of a script that belongs to a model, or to none.
pub(crate) fn execute(
    run: &Run,
    unique_id: &str,
    work: &PythonWork,
    token: &str,
    attachment: Attachment<'_>,
) -> JobEnd {
    let cwd = run.cwd();
    let attachment = Some(attachment);
    run.run_job(&Work {
        kind: Kind::Attached,
        attachment,
        ..work_of(run, unique_id, work, token, &cwd)
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
        kind: Kind::Script,
        unique_id,
        name: run.name_of(unique_id),
        path: &work.path,
        code: &work.code,
        lines: work.lines.as_deref(),
        project_dir: &run.request.project_dir,
        cwd,
        location: run.location(),
        token,
        vars: &run.request.vars,
        target: run.target(),
        keyword: &run.request.keyword,
        scripts_dir: run.request.scripts_dir.as_deref(),
        attachment: None,
        unit_test: None,
        environment: work.environment.as_deref(),
        timeout: None,
    }
}
