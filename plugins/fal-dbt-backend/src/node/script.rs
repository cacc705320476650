//! Runs scripts and hooks as jobs, with or without a model.

use fal_plugin::{
    payload::{NodeResult, ScriptWork},
    PluginError,
};

use super::{
    gateway_job::{self, Purpose},
    python,
};
use crate::{
    engine::Owner,
    python::{Attachment, Kind, Work},
    run::Run,
};

/// Runs a script or hook and returns its result.
pub(crate) fn run(
    run: &Run,
    unique_id: &str,
    work: &ScriptWork,
) -> Result<NodeResult, PluginError> {
    let model = work.model.as_deref();
    let owner = Owner {
        unique_id,
        role: Some(work.role),
        model,
    };
    let attachment = Attachment {
        role: work.role,
        model,
        arguments: &work.arguments,
    };
    gateway_job::run(run, owner, Purpose::Run, |token, _| {
        let cwd = run.cwd();
        run.run_job(&Work {
            kind: Kind::Attached,
            attachment: Some(attachment),
            ..python::work_of(run, unique_id, &work.python, token, &cwd)
        })
    })
}
