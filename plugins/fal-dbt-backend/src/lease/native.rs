//! Lends dbt-native models. dbt runs the node in the session, and requests a job for its code
//! meanwhile; the runner runs that job.

use std::{path::Path, sync::mpsc};

use fal_plugin::payload::{Lease, LendRequest, NodeResult};
use serde::Serialize;

use super::{
    desk::Native,
    lend::{environment, Ground, NotLent, Ready},
};
use crate::{error::AskError, job_end::JobEnd, native_job::Done, run::Run};

#[derive(Serialize)]
struct RunNode<'a> {
    unique_id: &'a str,
    lend: bool,
}

/// Starts the node in the session, and lends the job that dbt requests for it.
pub(super) fn lend(run: &Run, request: &LendRequest) -> Result<Lease, NotLent> {
    let unique_id = request.unique_id.as_str();
    let environment = environment(run, run.native_environment(unique_id))?;
    let ground = Ground::ready(run, environment)?;
    let (sender, heard) = mpsc::channel();
    run.leases.expect_native(unique_id, sender.clone());
    run.dbt.channel.send_then(
        "run",
        &RunNode {
            unique_id,
            lend: true,
        },
        move |outcome| {
            let ended = outcome
                .map_err(AskError::Lost)
                .and_then(|reply| reply.read());
            // The receiver is gone after an interruption.
            let _ = sender.send(Native::Ended(ended));
        },
    );
    let job = match heard.recv() {
        Ok(Native::Wanted(job)) => job,
        Ok(Native::Ended(ended)) => {
            run.leases.forget_native(unique_id);
            return Err(NotLent::Ended(Box::new(ended?)));
        }
        Err(_) => return Err(AskError::Lost(crate::cancel::interrupted()).into()),
    };
    let work = job.work(run, Path::new("."));
    let ready = Ready {
        job: job.job.clone(),
        token: job.token.clone(),
        work,
        native: Some(heard),
    };
    ground.lend(request, ready).inspect_err(|error| {
        let message = match error {
            NotLent::Asked(AskError::Answered(error) | AskError::Lost(error)) => {
                error.message.clone()
            }
            NotLent::Ended(_) => String::new(),
        };
        // A failed job ends dbt's node.
        drop(run.dbt.channel.send(
            "python_job_done",
            &Done::new(&job.job, &JobEnd::Crashed(message)),
        ));
    })
}

/// Reports the job's end to dbt, and waits for the end of the node.
pub(super) fn settle(
    run: &Run,
    job: &str,
    heard: &mpsc::Receiver<Native>,
    end: &JobEnd,
) -> Result<NodeResult, AskError> {
    drop(
        run.dbt
            .channel
            .send("python_job_done", &Done::new(job, end)),
    );
    loop {
        match heard.recv() {
            Ok(Native::Ended(ended)) => return ended,
            Ok(Native::Wanted(_)) => {}
            Err(_) => return Err(AskError::Lost(crate::cancel::interrupted())),
        }
    }
}
