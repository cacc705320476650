//! A Python or notebook model: its job and its result.

use fal_plugin::{
    payload::{NodeResult, PythonWork},
    PluginError,
};

use crate::{
    gateway_job::{self, Owner},
    job::{Attachment, Kind, Work},
    job_end::JobEnd,
    run::Run,
};

/// Runs the model.
pub(crate) fn run(run: &Run, unique_id: &str, work: &PythonWork) -> Result<NodeResult, PluginError> {
    let owner = Owner { unique_id, ..Owner::default() };
    gateway_job::run(run, owner, |token| execute(run, unique_id, work, token, None))
}

/// Runs the code of a model or, with an `attachment`, of a script.
pub(crate) fn execute(
    run: &Run,
    unique_id: &str,
    work: &PythonWork,
    token: &str,
    attachment: Option<Attachment<'_>>,
) -> JobEnd {
    let cwd = run.cwd();
    run.run_job(&Work {
        kind: if attachment.is_some() { Kind::Attached } else { Kind::Script },
        unique_id,
        name: run.name_of(unique_id),
        path: &work.path,
        code: &work.code,
        lines: work.lines.as_deref(),
        project_dir: &run.request.project_dir,
        cwd: &cwd,
        location: run.location(),
        token,
        vars: &run.request.vars,
        target: run.target(),
        keyword: &run.request.keyword,
        scripts_dir: run.request.scripts_dir.as_deref(),
        attachment,
        environment: work.environment.as_deref(),
    })
}
