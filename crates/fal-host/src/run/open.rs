//! The first stage: the session is open, the stubs are written, and the project's graph is loaded.

use std::{sync::Arc, time::Instant};

use fal_project::{Generated, LOCAL, ModelFile};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;

use super::record::record_events;
use crate::{
    error::HostError,
    faults::emit,
    interrupt::Interrupt,
    project::Project,
    runners::runner_version,
    session::{Loaded, OpenSession},
};

/// A project that is ready to be planned.
pub(crate) struct Opened<'a> {
    pub(crate) project: &'a Project,
    /// dbt's name of the command.
    pub(crate) command: &'a str,
    /// `--runner`.
    pub(crate) runner: Option<&'a str>,
    pub(crate) session: OpenSession,
    pub(crate) loaded: Loaded,
    pub(crate) models: Vec<ModelFile>,
    /// When the command began.
    pub(crate) began: Instant,
}

impl<'a> Opened<'a> {
    pub(crate) fn new(
        project: &'a Project,
        command: &'a str,
        runner: Option<&'a str>,
        reporters: &Arc<Reporters>,
        interrupt: &Interrupt,
    ) -> Result<Self, HostError> {
        let began = Instant::now();
        // First, as it takes longest: the backend warms up while the host reads the project's files.
        let session = OpenSession::open(project, command, true, reporters, interrupt)?;
        // A mistake in the command line shows at once, and not when dbt has read the project.
        if let Some(runner) = runner.filter(|runner| *runner != LOCAL) {
            runner_version(project, runner)?;
        }
        // Before anything can be refused: `retry` must see that this command had no results.
        record_events(&project.dbt.target_path, reporters)?;
        let generated = project.prepare()?;
        report_stubs(&generated, reporters);
        let loaded = session.load(project, &generated)?;
        Ok(Self {
            project,
            command,
            runner,
            session,
            loaded,
            models: generated.models,
            began,
        })
    }
}

/// Reports the stubs that were written, and warnings about files.
fn report_stubs(generated: &Generated, reporters: &Reporters) {
    generated
        .warnings
        .iter()
        .for_each(|problem| emit(reporters, problem));
    let kind = EventKind::StubsWritten {
        written: generated.written.clone(),
        removed: generated.removed.clone(),
        unchanged: generated.unchanged as u64,
        ignore_changed: generated.dbtignore_changed,
    };
    reporters.emit(Timestamp::now(), kind);
}
