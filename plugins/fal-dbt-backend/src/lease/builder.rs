//! Builds leases: turns an open job into a lease, and writes its script.

use std::{path::Path, sync::mpsc::Receiver};

use fal_plugin::{
    payload::{EnvironmentSpec, Event, Lease, LendRequest, LogLevel, NodeResult},
    PluginError,
};

use super::{
    bundle::Bundle,
    leases::{Native, OpenLease},
    listener::Listener,
    script::{self, Contents},
};
use crate::{
    cancel,
    error::{AskError, LEASE},
    python::{NoEnvironment, Work},
    result::Clock,
    run::Run,
};

/// Why a node was not lent.
pub(super) enum NotLent {
    /// A request to the engine failed.
    Asked(AskError),
    /// The node ended before it was lent. Holds its result.
    Ended(Box<NodeResult>),
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

/// A job that is open in the engine and can be lent.
pub(super) struct OpenJob<'a> {
    pub(super) job: String,
    pub(super) token: String,
    pub(super) work: Work<'a>,
    /// For a dbt-native model, the messages of its node in the session.
    pub(super) native: Option<Receiver<Native>>,
}

/// What a lease is made of: the run's listener and packed project, and the node's environment.
pub(super) struct LeaseBuilder<'a> {
    run: &'a Run,
    listener: Listener,
    bundle: &'a Bundle,
    environment: Option<EnvironmentSpec>,
}

impl<'a> LeaseBuilder<'a> {
    /// Finds the definition of the node's environment, which the runner will build. Opens the
    /// listener and packs the project, unless an earlier lease did.
    pub(super) fn new(run: &'a Run, environment: Option<&str>) -> Result<Self, NotLent> {
        let environment = run
            .python
            .spec_of(environment)
            .map_err(|error| match error {
                NoEnvironment::Stopped => cancel::interrupted(),
                NoEnvironment::Failed(message) => PluginError::new(LEASE, message),
            })?;
        let listener = run.leases.listener(run.engine().as_ref())?;
        Ok(Self {
            run,
            listener,
            bundle: run.leases.bundle(&run.request, run.target_path())?,
            environment,
        })
    }

    /// Turns an open job into a lease, and writes its script.
    pub(super) fn build(self, request: &LendRequest, open: OpenJob<'_>) -> Result<Lease, NotLent> {
        let run = self.run;
        let described = run.engine().job_lend(&open.job)?;
        let access = self.listener.access(&open.token);
        let scripts_dir = self.bundle.scripts_dir.as_deref();
        let job = Work {
            project_dir: ".",
            cwd: Path::new("."),
            location: "",
            token: "",
            scripts_dir,
            ..open.work
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
            self.log_size(&request.unique_id, text.len());
            script::write(&run.run_dir.leases(), &open.job, &text)
        });
        let script = written.map_err(|cause| {
            PluginError::new(
                LEASE,
                format!("the script for the runner cannot be written: {cause}"),
            )
        })?;
        let lease = Lease {
            lease: open.job.clone(),
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
            OpenLease {
                unique_id,
                job: open.job,
                runner,
                clock,
                script,
                native: open.native,
            },
        );
        Ok(lease)
    }

    fn log_size(&self, unique_id: &str, size: usize) {
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
