//! dbt-native Python models: dbt asks for a job in the middle of its own materialization.

use std::{sync::Arc, thread};

use serde::{Deserialize, Serialize};

use crate::{
    job::{Kind, Work},
    job_end::JobEnd,
    jobs::JobError,
    run::Run,
};

/// What the session asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct NativeJob {
    job: String,
    token: String,
    unique_id: String,
    path: String,
    code: String,
    location: String,
}

#[derive(Serialize)]
struct Done<'a> {
    job: &'a str,
    ok: bool,
    error: Option<JobError>,
}

/// Runs the job aside and tells the session how it ended.
pub(crate) fn start(run: Arc<Run>, job: NativeJob) {
    thread::spawn(move || {
        let end = run_job(&run, &job);
        let done = Done { job: &job.job, ok: end == JobEnd::Done, error: end.error() };
        // If the session is gone, its node is lost too, and says so.
        drop(run.dbt.channel.send("python_job_done", &done));
    });
}

fn run_job(run: &Run, job: &NativeJob) -> JobEnd {
    let cwd = run.cwd();
    let work = Work {
        kind: Kind::Native,
        unique_id: &job.unique_id,
        name: run.name_of(&job.unique_id),
        path: &job.path,
        code: &job.code,
        lines: None,
        project_dir: &run.request.project_dir,
        cwd: &cwd,
        location: &job.location,
        token: &job.token,
        vars: &run.request.vars,
        target: run.target(),
        keyword: &run.request.keyword,
        scripts_dir: run.request.scripts_dir.as_deref(),
        attachment: None,
        unit_test: None,
        environment: None,
    };
    run.run_job(&work)
}
