//! Lends dbt-native models. dbt runs the node in the session, and requests a job for its code
//! meanwhile; the runner runs that job.

use std::{path::Path, sync::mpsc};

use fal_plugin::payload::{Lease, LendRequest, NodeResult};

use super::{
    builder::{LeaseBuilder, NotLent, OpenJob},
    leases::Native,
};
use crate::{cancel, engine::PythonJobDone, error::AskError, node, python::JobEnd, run::Run};

/// Starts the node in the session, and lends the job that dbt requests for it.
pub(super) fn lend(run: &Run, request: &LendRequest) -> Result<Lease, NotLent> {
    let unique_id = request.unique_id.as_str();
    let builder = LeaseBuilder::new(run, run.native_environment(unique_id))?;
    let (sender, messages) = mpsc::channel();
    run.leases.expect_native(unique_id, sender.clone());
    run.engine().run_lent(
        unique_id,
        Box::new(move |ended| {
            // The receiver is gone after an interruption.
            let _ = sender.send(Native::Ended(ended));
        }),
    );
    let job = match messages.recv() {
        Ok(Native::Wanted(job)) => job,
        Ok(Native::Ended(ended)) => {
            run.leases.forget_native(unique_id);
            return Err(NotLent::Ended(Box::new(ended?)));
        }
        Err(_) => return Err(AskError::Lost(cancel::interrupted()).into()),
    };
    let work = node::native_work(run, &job, Path::new("."));
    let open = OpenJob {
        job: job.job.clone(),
        token: job.token.clone(),
        work,
        native: Some(messages),
    };
    builder.build(request, open).inspect_err(|error| {
        let message = match error {
            NotLent::Asked(AskError::Answered(error) | AskError::Lost(error)) => {
                error.message.clone()
            }
            NotLent::Ended(_) => String::new(),
        };
        // A failed job ends dbt's node.
        run.engine()
            .python_job_done(&PythonJobDone::new(&job.job, &JobEnd::Crashed(message)));
    })
}

/// Reports the job's end to dbt, and waits for the end of the node.
pub(super) fn settle(
    run: &Run,
    job: &str,
    messages: &mpsc::Receiver<Native>,
    end: &JobEnd,
) -> Result<NodeResult, AskError> {
    run.engine().python_job_done(&PythonJobDone::new(job, end));
    loop {
        match messages.recv() {
            Ok(Native::Ended(ended)) => return ended,
            Ok(Native::Wanted(_)) => {}
            Err(_) => return Err(AskError::Lost(cancel::interrupted())),
        }
    }
}
