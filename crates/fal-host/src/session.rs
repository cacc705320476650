//! A session of the execution backend over one project: opened early, loaded once the stubs are in place.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Once, OnceLock},
};

use fal_graph::{Criteria, Dag, DagBuilder, NodeId, SelectError, Selection, Selector};
use fal_plugin::{
    EventSink, ExecutionBackend, ExecutionSession,
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, Event, GraphNode, LoadRequest,
        LogLevel, RunGraph, SelectRequest, SessionInfo,
    },
};
use fal_project::{DbtProject, Generated, ModelFile, Placement};
use fal_report::{EventKind, Reporters};
use jiff::Timestamp;
use parking_lot::RwLock;

use crate::{
    error::HostError,
    faults::Faults,
    interrupt::Interrupt,
    lineage::explained,
    project::Project,
    runners::placements,
    scripts::{Attached, Attachments},
};

/// A session that warms up.
pub(crate) struct OpenSession {
    pub(crate) session: Arc<dyn ExecutionSession>,
    pub(crate) reporters: Arc<Reporters>,
    /// Of the backend.
    pub(crate) capabilities: Capabilities,
    sink: Arc<Sink>,
    interrupt: Interrupt,
    keyword: String,
}

/// A project's graph.
pub(crate) struct Loaded {
    pub(crate) info: SessionInfo,
    pub(crate) dag: Dag,
    pub(crate) attachments: Attachments,
    /// What Python models say of the place where they run, and of what they need there.
    pub(crate) placements: HashMap<NodeId, Placement>,
    /// Under which scripts stand in `meta`.
    pub(crate) keyword: String,
    /// What is wrong with single files and nodes.
    pub(crate) faults: Faults,
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
        let sink = Arc::new(Sink {
            reporters: Arc::clone(reporters),
            names: RwLock::default(),
        });
        let events: Arc<dyn EventSink> = Arc::<Sink>::clone(&sink);
        let request = project.open_request(command, execute);
        let keyword = request.keyword.clone();
        let log = Arc::clone(reporters);
        project.stages.log_to(Arc::new(move |plugin, line| {
            let (level, message) = (LogLevel::Debug, format!("{plugin}: {line}"));
            log.emit(
                Timestamp::now(),
                EventKind::Log {
                    level,
                    name: None,
                    unique_id: None,
                    message,
                },
            );
        }));
        let session: Arc<dyn ExecutionSession> = backend.open(request, events)?.into();
        let capabilities = backend.capabilities();
        Ok(Self {
            session,
            reporters: Arc::clone(reporters),
            capabilities,
            sink,
            interrupt: interrupt.clone(),
            keyword,
        })
    }

    /// Reads the project. A Ctrl-C ends the session, and with it the waiting.
    pub(crate) fn load(
        &self,
        project: &Project,
        generated: &Generated,
    ) -> Result<Loaded, HostError> {
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
            // Returns when the session has ended, whoever ends it: the process must not be gone before its children.
            closing.call_once(|| close_at_once(&*self.session));
        }
        // Only this call sets it.
        let _ = loading.set(());
        let loaded = graph.and_then(|graph| self.loaded(project, generated, graph));
        loaded.map_err(|error| {
            self.show_wrong(generated);
            explained(&project.dbt, generated, error)
        })
    }

    /// Errors of files that may be the reason why dbt cannot read the project.
    fn show_wrong(&self, generated: &Generated) {
        if !self.interrupt.is_raised() {
            Faults::of_files(&generated.wrong, |_| false).show(&self.reporters);
        }
    }

    fn loaded(
        &self,
        project: &Project,
        generated: &Generated,
        graph: RunGraph,
    ) -> Result<Loaded, HostError> {
        let RunGraph { info, nodes } = graph;
        let (attachments, of_scripts) = Attachments::of_nodes(&project.dbt, &self.keyword, &nodes);
        self.learn_names(&nodes, &attachments);
        let disabled: HashSet<&str> = info.disabled.iter().map(String::as_str).collect();
        let is_disabled = |model: &ModelFile| disabled.contains(file_of_dbt(model));
        let left_out: HashSet<&str> = generated
            .models
            .iter()
            .filter(|model| is_disabled(model))
            .map(|model| model.path.as_str())
            .collect();
        let models = generated
            .models
            .iter()
            .filter(|model| !left_out.contains(model.path.as_str()));
        let dag = build(&project.dbt, &info, nodes, models, &attachments)?;
        let (placements, of_placements) = placements(&dag, &self.keyword, &project.dbt.root);
        let mut faults = Faults::of_files(&generated.wrong, |path| left_out.contains(path));
        faults.extend(of_scripts);
        faults.extend(of_placements);
        Ok(Loaded {
            info,
            dag,
            attachments,
            placements,
            keyword: self.keyword.clone(),
            faults,
        })
    }

    /// What the lines that nodes print are headed with.
    fn learn_names(&self, nodes: &[GraphNode], attachments: &Attachments) {
        let nodes = nodes
            .iter()
            .map(|node| (node.unique_id.clone(), node.name.clone()));
        let scripts = attachments
            .iter()
            .map(|attached| (attached.id.clone(), attached.info().name));
        self.sink.learn(nodes.chain(scripts));
    }

    /// What the lines of global scripts are headed with.
    pub(crate) fn learn_more_names<'a>(&self, scripts: impl Iterator<Item = &'a Attached>) {
        self.sink
            .learn(scripts.map(|attached| (attached.id.clone(), attached.info().name)));
    }

    /// Selects nodes; what the graph cannot tell is asked of the backend.
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

    /// [`select`](Self::select) that leaves it to the caller what to say of the outcome.
    pub(crate) fn select_quietly(
        &self,
        loaded: &Loaded,
        criteria: &Criteria,
    ) -> Result<Selection, SelectError> {
        let external = |method: &str,
                        value: &str|
         -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
            Ok(self.session.select(&SelectRequest {
                method: method.to_owned(),
                value: value.to_owned(),
            })?)
        };
        let selector = Selector::new(&loaded.dag)
            .with_definitions(&loaded.info.selectors)
            .with_external(&external);
        selector.select(criteria)
    }

    /// Where events of further sessions go.
    pub(crate) fn events(&self) -> Arc<dyn EventSink> {
        Arc::<Sink>::clone(&self.sink)
    }

    /// Makes ready to run nodes. A Ctrl-C cancels what runs before the first node.
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

    /// Ends the session.
    pub(crate) fn close(&self, interrupted: bool) -> Result<CloseResponse, HostError> {
        Ok(self.session.close(&CloseRequest { interrupted })?)
    }

    /// What failed because the user stopped it is no failure.
    pub(crate) fn unless_interrupted(&self, error: HostError) -> HostError {
        if self.interrupt.is_raised() {
            HostError::Interrupted
        } else {
            error
        }
    }

    pub(crate) fn log(&self, level: LogLevel, message: String) {
        self.reporters.emit(
            Timestamp::now(),
            EventKind::Log {
                level,
                name: None,
                unique_id: None,
                message,
            },
        );
    }
}

/// Its end is what counts: how orderly it was does not matter to anyone any more.
fn close_at_once(session: &dyn ExecutionSession) {
    let _ = session.close(&CloseRequest { interrupted: true });
}

/// dbt's nodes, with the Python models in the places of their stubs.
fn build<'a>(
    project: &DbtProject,
    info: &SessionInfo,
    nodes: Vec<GraphNode>,
    models: impl Iterator<Item = &'a ModelFile>,
    attachments: &Attachments,
) -> Result<Dag, HostError> {
    let models_of_dbt = nodes.iter().filter(|node| node.resource_type == "model");
    // A backend may call the project otherwise than dbt_project.yml.
    let path = |node: &GraphNode| match node.package_name == info.project_name {
        true => node.original_file_path.clone(),
        false => project.path_of(&node.package_name, &node.original_file_path),
    };
    let ids: HashMap<String, String> = models_of_dbt
        .map(|node| (path(node), node.unique_id.clone()))
        .collect();
    let mut builder = DagBuilder::new(&info.project_name);
    builder.nodes(nodes);
    for model in models {
        match ids.get(file_of_dbt(model)) {
            Some(id) => _ = builder.python_model(id.clone(), model.path.clone()),
            // One that dbt passes over, by a rule that the user wrote.
            None if model.stub_path.is_none() => {}
            None => {
                return Err(HostError::UnknownModel {
                    name: model.name.clone(),
                    path: model.path.clone(),
                });
            }
        }
    }
    attachments.add_to(&mut builder);
    Ok(builder.build()?)
}

/// The file by which dbt knows a model.
fn file_of_dbt(model: &ModelFile) -> &str {
    model.stub_path.as_deref().unwrap_or(&model.path)
}

/// Brings the backend's events to the reporters.
struct Sink {
    reporters: Arc<Reporters>,
    names: RwLock<HashMap<String, String>>,
}

impl Sink {
    fn learn(&self, names: impl Iterator<Item = (String, String)>) {
        self.names.write().extend(names);
    }

    fn name_of(&self, unique_id: &str) -> String {
        let names = self.names.read();
        names
            .get(unique_id)
            .map_or(unique_id, String::as_str)
            .to_owned()
    }
}

impl EventSink for Sink {
    fn emit(&self, event: Event) {
        let kind = match event {
            Event::Output {
                unique_id,
                stream,
                line,
            } => {
                let name = self.name_of(&unique_id);
                EventKind::NodeOutput {
                    unique_id,
                    name,
                    stream,
                    line,
                }
            }
            Event::Log {
                level,
                name,
                unique_id,
                message,
            } => EventKind::Log {
                level,
                name,
                unique_id,
                message,
            },
        };
        self.reporters.emit(Timestamp::now(), kind);
    }
}
