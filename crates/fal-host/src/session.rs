//! A session of the execution backend over one project: opened early, loaded once the stubs are in place.

use std::{
    collections::HashMap,
    sync::{Arc, Once, OnceLock},
};

use fal_graph::{Criteria, Dag, DagBuilder, Selection, Selector};
use fal_plugin::{
    EventSink, ExecutionBackend, ExecutionSession,
    payload::{BeginRequest, CloseRequest, CloseResponse, Event, LoadRequest, LogLevel, SelectRequest, SessionInfo},
};
use fal_project::ModelFile;
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;

use crate::{error::HostError, interrupt::Interrupt, project::Project};

/// A session that warms up.
pub(crate) struct OpenSession {
    pub(crate) session: Arc<dyn ExecutionSession>,
    pub(crate) reporters: Arc<Reporters>,
    sink: Arc<Sink>,
    interrupt: Interrupt,
}

/// A project's graph.
pub(crate) struct Loaded {
    pub(crate) info: SessionInfo,
    pub(crate) dag: Dag,
}

impl OpenSession {
    /// Starts the session; what takes time goes on behind.
    pub(crate) fn open(
        project: &Project,
        command: &str,
        execute: bool,
        reporters: &Arc<Reporters>,
        interrupt: &Interrupt,
    ) -> Result<Self, HostError> {
        let backend = project.stages.execution_backend()?;
        let sink = Arc::new(Sink { reporters: Arc::clone(reporters), names: OnceLock::new() });
        let events: Arc<dyn EventSink> = Arc::<Sink>::clone(&sink);
        let session: Arc<dyn ExecutionSession> = backend.open(project.open_request(command, execute), events)?.into();
        Ok(Self { session, reporters: Arc::clone(reporters), sink, interrupt: interrupt.clone() })
    }

    /// Reads the project. A Ctrl-C ends the session, and with it the waiting.
    pub(crate) fn load(&self, models: &[ModelFile]) -> Result<Loaded, HostError> {
        // Weak, here and below: a session whose command failed ends when it is dropped.
        let session = Arc::downgrade(&self.session);
        let loading = Arc::new(OnceLock::new());
        let closing = Arc::new(Once::new());
        let (loaded, closed) = (Arc::clone(&loading), Arc::clone(&closing));
        self.interrupt.listen(move || {
            if let (None, Some(session)) = (loaded.get(), session.upgrade()) {
                closed.call_once(|| close_at_once(&*session));
            }
        });
        let request = LoadRequest { python_models: models.iter().map(ModelFile::python_model).collect() };
        let graph = self.session.load(&request).map_err(|error| self.unless_interrupted(error.into()));
        if matches!(graph, Err(HostError::Interrupted)) {
            // Returns when the session has ended, whoever ends it: the process must not be gone before its children.
            closing.call_once(|| close_at_once(&*self.session));
        }
        // Only this call sets it.
        let _ = loading.set(());
        let graph = graph?;
        let names = graph.nodes.iter().map(|node| (node.unique_id.clone(), node.name.clone())).collect();
        let _ = self.sink.names.set(names);
        let dag = build(&graph.info, graph.nodes, models)?;
        Ok(Loaded { info: graph.info, dag })
    }

    /// Selects nodes; what the graph cannot tell is asked of the backend.
    pub(crate) fn select(&self, loaded: &Loaded, criteria: &Criteria) -> Result<Selection, HostError> {
        let external = |method: &str, value: &str| -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
            Ok(self.session.select(&SelectRequest { method: method.to_owned(), value: value.to_owned() })?)
        };
        let selector = Selector::new(&loaded.dag).with_definitions(&loaded.info.selectors).with_external(&external);
        let selection = selector.select(criteria)?;
        for warning in &selection.warnings {
            self.log(LogLevel::Warn, warning.to_string());
        }
        Ok(selection)
    }

    /// Makes ready to run nodes. A Ctrl-C cancels what runs before the first node.
    pub(crate) fn begin(&self, selected: Vec<String>) -> Result<(), HostError> {
        let session = Arc::downgrade(&self.session);
        let beginning = Arc::new(OnceLock::new());
        let begun = Arc::clone(&beginning);
        self.interrupt.listen(move || {
            if let (None, Some(session)) = (begun.get(), session.upgrade()) {
                session.cancel();
            }
        });
        let answer = self.session.begin(&BeginRequest { selected, ..BeginRequest::default() });
        // Only this call sets it.
        let _ = beginning.set(());
        answer.map_err(|error| self.unless_interrupted(error.into()))
    }

    /// Ends the session.
    pub(crate) fn close(&self, interrupted: bool) -> Result<CloseResponse, HostError> {
        Ok(self.session.close(&CloseRequest { interrupted })?)
    }

    /// What failed because the user stopped it is no failure.
    pub(crate) fn unless_interrupted(&self, error: HostError) -> HostError {
        if self.interrupt.is_raised() { HostError::Interrupted } else { error }
    }

    pub(crate) fn log(&self, level: LogLevel, message: String) {
        self.reporters.emit(Timestamp::now(), EventKind::Log { level, name: None, unique_id: None, message });
    }
}

/// Its end is what counts: how orderly it was does not matter to anyone any more.
fn close_at_once(session: &dyn ExecutionSession) {
    let _ = session.close(&CloseRequest { interrupted: true });
}

/// dbt's nodes, with the Python models in the places of their stubs.
fn build(
    info: &SessionInfo,
    nodes: Vec<fal_plugin::payload::GraphNode>,
    models: &[ModelFile],
) -> Result<Dag, HostError> {
    let of_root = nodes.iter().filter(|node| node.package_name == info.project_name && node.resource_type == "model");
    let ids: HashMap<String, String> =
        of_root.map(|node| (node.original_file_path.clone(), node.unique_id.clone())).collect();
    let mut builder = DagBuilder::new(&info.project_name);
    builder.nodes(nodes);
    for model in models {
        let file = model.stub_path.as_deref().unwrap_or(&model.path);
        match ids.get(file) {
            Some(id) => _ = builder.python_model(id.clone(), model.path.clone()),
            // dbt leaves out a model of its own that is disabled; a stub is never disabled by us.
            None if model.stub_path.is_none() => {}
            None => return Err(HostError::UnknownModel { name: model.name.clone(), path: model.path.clone() }),
        }
    }
    Ok(builder.build()?)
}

/// Brings the backend's events to the reporters.
struct Sink {
    reporters: Arc<Reporters>,
    names: OnceLock<HashMap<String, String>>,
}

impl EventSink for Sink {
    fn emit(&self, event: Event) {
        let kind = match event {
            Event::Output { unique_id, stream, line } => {
                let name = self.names.get().and_then(|names| names.get(&unique_id)).unwrap_or(&unique_id).clone();
                EventKind::NodeOutput { unique_id, name, stream, line }
            }
            Event::Log { level, name, unique_id, message } => EventKind::Log { level, name, unique_id, message },
        };
        self.reporters.emit(Timestamp::now(), kind);
    }
}
