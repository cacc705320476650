//! Lends a node to a runner: writes a script with everything that the runner needs.

use std::path::Path;

use fal_plugin::{
    payload::{
        EnvironmentSpec, Event, Lease, LeaseInput, LendRequest, Lent, LogLevel, NodeStatus,
        NodeWork, PythonWork,
    },
    PluginError,
};
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use super::{
    bundle::Bundle,
    desk::Open,
    listener::Listener,
    native,
    script::{self, Contents},
};
use crate::{
    cancel,
    environments::NoEnvironment,
    error::{AskError, LEASE},
    gateway_job::{new_token, plain_result, Clock, JobOpen, Owner},
    job::Work,
    python_node,
    run::Run,
};

/// Why a node was not lent.
pub(super) enum NotLent {
    /// A request to the session failed.
    Asked(AskError),
    /// The node ended before it was lent. Holds its result.
    Ended(Box<fal_plugin::payload::NodeResult>),
}

impl From<AskError> for NotLent {
    fn from(error: AskError) -> Self {
        Self::Asked(error)
    }
}

impl From<PluginError> for NotLent {
    fn from(error: PluginError) -> Self {
        Self::Asked(AskError::Answered(error))
    }
}

/// The session's answer to `job_lend`: the relations that the job reads and writes.
#[derive(Deserialize)]
pub(super) struct Described {
    inputs: Vec<LeaseInput>,
    output: Option<String>,
    output_is_rows: bool,
}

#[derive(Serialize)]
pub(super) struct OfJob<'a> {
    pub(super) job: &'a str,
}

/// A job that is open in the session and can be lent.
pub(super) struct Ready<'a> {
    pub(super) job: String,
    pub(super) token: String,
    pub(super) work: Work<'a>,
    pub(super) native: Option<std::sync::mpsc::Receiver<super::desk::Native>>,
}

/// Lends the node of a request, or returns its result if that fails.
pub(crate) fn lend(run: &Run, request: &LendRequest) -> Result<Lent, PluginError> {
    if run.cancel.is_set() {
        let result = plain_result(
            &request.unique_id,
            NodeStatus::Error,
            Some(cancel::interrupted().message),
        );
        return Ok(Lent::Ended {
            result: Box::new(result),
        });
    }
    let outcome = match &request.work {
        NodeWork::Python(work) => python(run, request, work),
        NodeWork::Dbt => native::lend(run, request),
        NodeWork::Script(_) | NodeWork::UnitTest(_) => {
            let message = format!("only models can run on the runner `{}`", request.runner);
            Err(PluginError::new(LEASE, message).into())
        }
    };
    match outcome {
        Ok(lease) => Ok(Lent::Lease {
            lease: Box::new(lease),
        }),
        Err(NotLent::Ended(result)) => Ok(Lent::Ended { result }),
        Err(NotLent::Asked(error)) => {
            let result = run.failed(&request.unique_id, error)?;
            // The session learns of this result only here.
            let _ = run.ask::<Value>("record", &result);
            Ok(Lent::Ended {
                result: Box::new(result),
            })
        }
    }
}

fn python(run: &Run, request: &LendRequest, work: &PythonWork) -> Result<Lease, NotLent> {
    let unique_id = request.unique_id.as_str();
    let environment = environment(run, work.environment.as_deref())?;
    let ground = Ground::ready(run, environment)?;
    let (token, name) = (random()?, random()?);
    let job = format!("l-{}", &name[..12]);
    let owner = Owner {
        unique_id,
        ..Owner::default()
    };
    run.ask::<Value>(
        "job_open",
        &JobOpen {
            job: &job,
            token: &token,
            owner,
        },
    )?;
    let work = python_node::work_of(run, unique_id, work, "", Path::new("."));
    let closed = job.clone();
    let ready = Ready {
        job,
        token,
        work,
        native: None,
    };
    ground.lend(request, ready).inspect_err(|_| {
        let result = plain_result(
            unique_id,
            NodeStatus::Error,
            Some("it could not be lent".to_owned()),
        );
        // The caller reports the error; here the job only has to be closed.
        let _ = run.ask::<Value>(
            "job_close",
            &json!({ "job": closed, "ok": false, "result": result }),
        );
    })
}

fn random() -> Result<String, PluginError> {
    Ok(new_token()?)
}

/// Returns the definition of the environment that the node names, for the runner to build.
pub(super) fn environment(
    run: &Run,
    name: Option<&str>,
) -> Result<Option<EnvironmentSpec>, NotLent> {
    run.environments.spec_of(name).map_err(|error| {
        let error = match error {
            NoEnvironment::Stopped => cancel::interrupted(),
            NoEnvironment::Failed(message) => PluginError::new(LEASE, message),
        };
        error.into()
    })
}

/// What a lease is made of: the run's listener and packed project, and the node's environment.
pub(super) struct Ground<'a> {
    run: &'a Run,
    listener: Listener,
    bundle: &'a Bundle,
    environment: Option<EnvironmentSpec>,
}

impl<'a> Ground<'a> {
    /// Opens the listener and packs the project, unless an earlier lease did.
    pub(super) fn ready(
        run: &'a Run,
        environment: Option<EnvironmentSpec>,
    ) -> Result<Self, NotLent> {
        let listener = run.leases.listener(run)?;
        Ok(Self {
            run,
            listener,
            bundle: run.leases.bundle(run)?,
            environment,
        })
    }

    /// Turns an open job into a lease, and writes its script.
    pub(super) fn lend(self, request: &LendRequest, ready: Ready<'_>) -> Result<Lease, NotLent> {
        let run = self.run;
        let described: Described = run.ask("job_lend", &OfJob { job: &ready.job })?;
        let access = self.listener.access(&ready.token);
        let scripts_dir = self.bundle.scripts_dir.as_deref();
        let job = Work {
            project_dir: ".",
            cwd: Path::new("."),
            location: "",
            token: "",
            scripts_dir,
            ..ready.work
        };
        let contents = Contents {
            access: &access,
            job: &job,
            timeout: request.resources.timeout,
            inputs: &described.inputs,
            output_is_rows: described.output_is_rows,
        };
        let text = contents.script(self.bundle);
        let written = text.and_then(|text| {
            self.tell_size(&request.unique_id, text.len());
            script::write(&run.run_dir.leases(), &ready.job, &text)
        });
        let script = written.map_err(|cause| {
            PluginError::new(
                LEASE,
                format!("the script for the runner cannot be written: {cause}"),
            )
        })?;
        let lease = Lease {
            lease: ready.job.clone(),
            script: script.display().to_string(),
            gateway: access,
            environment: self.environment,
            inputs: described.inputs,
            output: described.output,
            output_is_rows: described.output_is_rows,
        };
        let unique_id = request.unique_id.clone();
        let (clock, runner) = (Clock::start(), request.runner.clone());
        run.leases.add(
            &lease.lease,
            Open {
                unique_id,
                job: ready.job,
                runner,
                clock,
                script,
                native: ready.native,
            },
        );
        Ok(lease)
    }

    fn tell_size(&self, unique_id: &str, size: usize) {
        let message = format!(
            "lease of {unique_id}: a script of {} KiB, with {} files of the project",
            size.div_ceil(1024),
            self.bundle.files
        );
        self.run.events.emit(Event::Log {
            level: LogLevel::Debug,
            name: None,
            unique_id: Some(unique_id.to_owned()),
            message,
        });
    }
}
