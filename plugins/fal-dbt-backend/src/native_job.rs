//! Jobs of dbt-native Python models, which dbt requests in the middle of its materialization.

use std::{path::Path, sync::Arc, thread};

use serde::{Deserialize, Serialize};

use crate::{
    job::{Kind, Work},
    job_end::JobEnd,
    jobs::JobError,
    run::Run,
};

/// The session's request for a job.
#[derive(Debug, Deserialize)]
pub(crate) struct NativeJob {
    pub(crate) job: String,
    pub(crate) token: String,
    pub(crate) unique_id: String,
    path: String,
    code: String,
    location: String,
}

/// The message `python_job_done`: how a job ended.
#[derive(Serialize)]
pub(crate) struct Done<'a> {
    job: &'a str,
    ok: bool,
    error: Option<JobError>,
}

impl<'a> Done<'a> {
    pub(crate) fn new(job: &'a str, end: &JobEnd) -> Self {
        Self {
            job,
            ok: *end == JobEnd::Done,
            error: end.error(),
        }
    }
}

impl NativeJob {
    /// Returns the work of the job.
    pub(crate) fn work<'a>(&'a self, run: &'a Run, cwd: &'a Path) -> Work<'a> {
        Work {
            kind: Kind::Native,
            unique_id: &self.unique_id,
            name: run.name_of(&self.unique_id),
            path: &self.path,
            code: &self.code,
            lines: None,
            project_dir: &run.request.project_dir,
            cwd,
            location: &self.location,
            token: &self.token,
            vars: &run.request.vars,
            target: run.target(),
            keyword: &run.request.keyword,
            scripts_dir: run.request.scripts_dir.as_deref(),
            attachment: None,
            unit_test: None,
            environment: None,
            timeout: run.timeout_of(&self.unique_id),
        }
    }
}

/// Hands the job to the lease that waits for it. If there is none, runs it in another thread and
/// reports its end to the session.
pub(crate) fn start(run: Arc<Run>, job: NativeJob) {
    let Some(job) = run.leases.offer(job) else {
        return;
    };
    thread::spawn(move || {
        let end = run.run_job(&job.work(&run, &run.cwd()));
        // If the session is gone, the node is lost too and reports that itself.
        drop(
            run.dbt
                .channel
                .send("python_job_done", &Done::new(&job.job, &end)),
        );
    });
}
