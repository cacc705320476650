//! Jobs of dbt-native Python models, which dbt requests in the middle of its materialization.

use std::{path::Path, sync::Arc, thread};

use crate::{
    engine::{NativeJob, PythonJobDone},
    python::{Kind, Work},
    run::Run,
};

/// Returns the work of the job.
pub(crate) fn work_of<'a>(run: &'a Run, job: &'a NativeJob, cwd: &'a Path) -> Work<'a> {
    Work {
        kind: Kind::Native,
        path: &job.path,
        code: &job.code,
        location: &job.location,
        token: &job.token,
        // dbt's request for the job does not name it.
        environment: run.native_environment(&job.unique_id),
        timeout: run.timeout_of(&job.unique_id),
        ..run.work(&job.unique_id, cwd)
    }
}

/// Hands the job to the lease that waits for it. If there is none, runs it in another thread and
/// reports its end to the engine.
pub(crate) fn start(run: Arc<Run>, job: NativeJob) {
    let Some(job) = run.leases.offer(job) else {
        return;
    };
    thread::spawn(move || {
        let end = run.run_job(&work_of(&run, &job, &run.cwd()));
        run.engine()
            .python_job_done(&PythonJobDone::new(&job.job, &end));
    });
}
