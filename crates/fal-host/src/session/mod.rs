//! A session of the execution backend over one project, from its start to its end: opened early, loaded
//! once the stubs are written.

mod events;
mod loaded;

use std::sync::{
    Arc, Once, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use fal_graph::{Criteria, SelectError, Selection};
use fal_plugin::{
    EventSink, ExecutionBackend, ExecutionSession,
    payload::{BeginRequest, Capabilities, CloseRequest, CloseResponse, LoadRequest, LogLevel},
};
use fal_project::{Generated, ModelFile};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;

use self::events::BackendEvents;
pub(crate) use self::loaded::Loaded;
use crate::{
    error::HostError, faults::Faults, interrupt::Interrupt, lineage::explained,
    manifest::EarlierState, project::Project, scripts::Attachment,
};

/// An open session. It warms up while the host reads the project's files.
pub(crate) struct OpenSession {
    pub(crate) session: Arc<dyn ExecutionSession>,
    pub(crate) reporters: Arc<Reporters>,
    /// What the backend can do.
    pub(crate) capabilities: Capabilities,
    events: Arc<BackendEvents>,
    interrupt: Interrupt,
    /// What `--state` names.
    earlier: Option<EarlierState>,
    /// Whether the user knows what the earlier state does not have.
    has_warned: AtomicBool,
}

impl OpenSession {
    /// Starts the session. Returns before the backend is ready.
    pub(crate) fn open(
        project: &Project,
        command: &str,
        execute: bool,
        reporters: &Arc<Reporters>,
        interrupt: &Interrupt,
    ) -> Result<Self, HostError> {
        let backend = project.stages.execution_backend()?;
        let events = BackendEvents::new(reporters);
        let log = Arc::clone(reporters);
        project.stages.log_to(Arc::new(move |plugin, line| {
            emit_log(&log, LogLevel::Debug, format!("{plugin}: {line}"));
        }));
        let mut request = project.open_request(command, execute);
        let earlier = EarlierState::read(&mut request.dbt_args, &project.dbt.target_path)?;
        let sink: Arc<dyn EventSink> = Arc::<BackendEvents>::clone(&events);
        let session: Arc<dyn ExecutionSession> = backend.open(request, sink)?.into();
        let capabilities = backend.capabilities();
        Ok(Self {
            session,
            reporters: Arc::clone(reporters),
            capabilities,
            events,
            interrupt: interrupt.clone(),
            earlier,
            has_warned: AtomicBool::default(),
        })
    }

    /// Reads the project. A Ctrl-C ends the session, and with it the waiting.
    pub(crate) fn load(
        &self,
        project: &Project,
        generated: &Generated,
    ) -> Result<Loaded, HostError> {
        // Weak, here and below: a listener lives as long as the process, and a session whose command
        // failed must end when the command drops it.
        let session = Arc::downgrade(&self.session);
        let loading = Arc::new(OnceLock::new());
        let closing = Arc::new(Once::new());
        let (loaded, closed) = (Arc::clone(&loading), Arc::clone(&closing));
        self.interrupt.listen(move || {
            if let (None, Some(session)) = (loaded.get(), session.upgrade()) {
                closed.call_once(|| close_at_once(&*session));
            }
        });
        if let Some(earlier) = &self.earlier {
            earlier.write_copy(&project.dbt, &generated.models)?;
        }
        let request = LoadRequest {
            python_models: generated
                .models
                .iter()
                .map(ModelFile::python_model)
                .collect(),
        };
        let graph = self
            .session
            .load(&request)
            .map_err(|error| self.unless_interrupted(error.into()));
        if matches!(graph, Err(HostError::Interrupted)) {
            // `call_once` waits for the listener if that closes the session already: this process must
            // not end before the processes that the session started.
            closing.call_once(|| close_at_once(&*self.session));
        }
        // Only this call sets it.
        let _ = loading.set(());
        let keyword = project.keyword();
        let loaded = graph.and_then(|graph| Loaded::new(&project.dbt, keyword, generated, graph));
        let loaded = loaded.map_err(|error| {
            self.show_wrong(generated);
            explained(&project.dbt, generated, error)
        })?;
        self.events.learn(loaded.names());
        Ok(loaded)
    }

    /// Shows the errors of files, which may be the reason why dbt cannot read the project.
    fn show_wrong(&self, generated: &Generated) {
        if !self.interrupt.is_raised() {
            Faults::from_files(&generated.wrong, |_| false).show(&self.reporters);
        }
    }

    /// Adds the names of global scripts, which no node of the graph has: they head their lines.
    pub(crate) fn learn_scripts<'a>(&self, scripts: impl Iterator<Item = &'a Attachment>) {
        self.events
            .learn(scripts.map(|attached| (attached.id.clone(), attached.info().name)));
    }

    /// Selects nodes, and logs the warnings of the selection.
    pub(crate) fn select(
        &self,
        loaded: &Loaded,
        criteria: &Criteria,
    ) -> Result<Selection, HostError> {
        let selection = self.select_quietly(loaded, criteria)?;
        for warning in &selection.warnings {
            self.log(LogLevel::Warn, warning.to_string());
        }
        Ok(selection)
    }

    /// [`select`](Self::select) without logging.
    pub(crate) fn select_quietly(
        &self,
        loaded: &Loaded,
        criteria: &Criteria,
    ) -> Result<Selection, SelectError> {
        let compared = || {
            let earlier = self.earlier.as_ref();
            let compared = earlier.map(|earlier| earlier.compare(&loaded.scripts));
            let compared = compared.unwrap_or_default();
            if !compared.unknown.is_empty() && !self.has_warned.swap(true, Ordering::Relaxed) {
                let message = format!(
                    "the manifest.json of --state was written by dbt alone and does not say what the code of {} was: `state:` sees changes of what Python models read, not of their code",
                    listed(&compared.unknown),
                );
                self.log(LogLevel::Warn, message);
            }
            compared
        };
        loaded.select(&*self.session, &compared, criteria)
    }

    /// Returns the sink for the events of runners' sessions.
    pub(crate) fn events(&self) -> Arc<dyn EventSink> {
        Arc::<BackendEvents>::clone(&self.events)
    }

    /// Prepares the session to run nodes. A Ctrl-C cancels what runs before the first node.
    pub(crate) fn begin(&self, request: &BeginRequest) -> Result<(), HostError> {
        let session = Arc::downgrade(&self.session);
        let beginning = Arc::new(OnceLock::new());
        let begun = Arc::clone(&beginning);
        self.interrupt.listen(move || {
            if let (None, Some(session)) = (begun.get(), session.upgrade()) {
                session.cancel();
            }
        });
        let answer = self.session.begin(request);
        // Only this call sets it.
        let _ = beginning.set(());
        answer.map_err(|error| self.unless_interrupted(error.into()))
    }

    /// Ends the session, after which dbt's manifest.json is there.
    pub(crate) fn close(
        &self,
        loaded: &Loaded,
        interrupted: bool,
    ) -> Result<CloseResponse, HostError> {
        let closed = self.session.close(&CloseRequest { interrupted });
        let written = loaded.write_manifest();
        let closed = closed?;
        written?;
        Ok(closed)
    }

    /// Replaces an error that follows from the user's Ctrl-C.
    fn unless_interrupted(&self, error: HostError) -> HostError {
        if self.interrupt.is_raised() {
            HostError::Interrupted
        } else {
            error
        }
    }

    pub(crate) fn log(&self, level: LogLevel, message: String) {
        emit_log(&self.reporters, level, message);
    }
}

fn listed(names: &[String]) -> String {
    let some = names[..names.len().min(3)].join(", ");
    match names.len() {
        0..=3 => some,
        all => format!("{some} and {} more", all - 3),
    }
}

fn emit_log(reporters: &Reporters, level: LogLevel, message: String) {
    reporters.emit(
        Timestamp::now(),
        EventKind::Log {
            level,
            name: None,
            unique_id: None,
            message,
        },
    );
}

/// Ends a session whose outcome does not matter any more.
fn close_at_once(session: &dyn ExecutionSession) {
    let _ = session.close(&CloseRequest { interrupted: true });
}
