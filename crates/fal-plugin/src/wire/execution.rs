//! Both ends of the stage [`ExecutionBackend`]: a session is a number on the wire.

use std::{
    collections::HashMap,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc, Mutex, PoisonError,
    },
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{de::DeserializeOwned, Deserialize, Serialize};

use super::{ask_plain, decode, encode, Method, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CompileRequest, CompileResponse,
        Event, LendRequest, Lent, LoadRequest, NodeRequest, NodeResult, OpenRequest, RunGraph,
        SelectRequest, SettleRequest,
    },
    stage::{EventSink, ExecutionBackend, ExecutionSession},
};

#[derive(Serialize, Deserialize, JsonSchema)]
struct SessionMessage<T> {
    /// The session: a number that the host chose in `open`.
    session: u64,
    /// The request or event itself.
    body: T,
}

/// The methods of this stage.
pub(crate) fn methods(generator: &mut SchemaGenerator) -> Vec<Method> {
    type In<T> = SessionMessage<T>;
    let g = generator;
    let mut methods = vec![
        Method::of::<(), Capabilities>("capabilities", "What the backend can do", g),
        Method::of::<In<OpenRequest>, ()>("open", "Starts a session; returns at once", g),
        Method::of::<In<LoadRequest>, RunGraph>(
            "load",
            "Reads the project: the stubs are in place",
            g,
        ),
        Method::of::<In<SelectRequest>, Vec<String>>(
            "select",
            "Unique ids of the nodes that a method of selection matches",
            g,
        ),
        Method::of::<In<BeginRequest>, ()>(
            "begin",
            "Prepares the warehouse for the nodes that will run",
            g,
        ),
        Method::of::<In<NodeRequest>, NodeResult>(
            "run_node",
            "Runs one node to its end; called from many threads",
            g,
        ),
        Method::of::<In<NodeResult>, ()>("record", "Takes note of a node that was not run", g),
        Method::of::<In<CompileRequest>, CompileResponse>("compile", "Compiles SQL with Jinja", g),
        Method::of::<In<()>, ()>("cancel", "Ends what runs, soon: its `run_node` returns", g),
        Method::of::<In<CloseRequest>, CloseResponse>(
            "close",
            "Ends the session; nothing stays behind",
            g,
        ),
        Method::of::<In<()>, ()>(
            "drop",
            "The host is done with the session, whether it was closed or not",
            g,
        ),
    ];
    // Messages are numbered in the order in which they are first met: what is newer comes behind all that is older.
    event(g);
    methods.extend([
        Method::of::<In<LendRequest>, Lent>(
            "lend",
            "Makes a Python model ready to be run by another backend",
            g,
        ),
        Method::of::<In<SettleRequest>, NodeResult>(
            "settle",
            "Commits or undoes what a lent model wrote",
            g,
        ),
    ]);
    methods
}

/// What a session tells while it works.
pub(crate) fn event(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<SessionMessage<Event>>()
}

/// Gives the JSON of an event to the host.
pub(crate) type Emit = Arc<dyn Fn(&[u8]) + Send + Sync>;

pub(crate) struct ServedBackend<B> {
    backend: B,
    emit: Emit,
    sessions: Mutex<HashMap<u64, Arc<dyn ExecutionSession>>>,
}

struct ServedSink {
    session: u64,
    emit: Emit,
}

impl EventSink for ServedSink {
    fn emit(&self, event: Event) {
        (self.emit)(&encode(&SessionMessage {
            session: self.session,
            body: event,
        }));
    }
}

impl<B: ExecutionBackend + 'static> ServedBackend<B> {
    pub(crate) fn new(backend: B, emit: Emit) -> Self {
        Self {
            backend,
            emit,
            sessions: Mutex::default(),
        }
    }

    fn open(&self, message: SessionMessage<OpenRequest>) -> Result<(), WireError> {
        let sink = Arc::new(ServedSink {
            session: message.session,
            emit: Arc::clone(&self.emit),
        });
        let session = self.backend.open(message.body, sink)?;
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(message.session, session.into());
        Ok(())
    }

    fn session(&self, id: u64) -> Result<Arc<dyn ExecutionSession>, WireError> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.get(&id).cloned();
        found.ok_or_else(|| {
            PluginError::new("plugin::bad_request", format!("there is no session {id}")).into()
        })
    }

    fn with<Q, A>(
        &self,
        request: &[u8],
        call: impl FnOnce(&dyn ExecutionSession, Q) -> Result<A, PluginError>,
    ) -> Result<Vec<u8>, WireError>
    where
        Q: DeserializeOwned,
        A: Serialize,
    {
        let message: SessionMessage<Q> = decode(request)?;
        Ok(encode(&call(
            &*self.session(message.session)?,
            message.body,
        )?))
    }
}

impl<B: ExecutionBackend + 'static> Serve for ServedBackend<B> {
    fn serve(
        &self,
        method: &str,
        request: &[u8],
        _attachment: &[u8],
    ) -> Result<Vec<u8>, WireError> {
        match method {
            "capabilities" => Ok(encode(&self.backend.capabilities())),
            "open" => Ok(encode(&self.open(decode(request)?)?)),
            "load" => self.with(request, |session, body: LoadRequest| session.load(&body)),
            "select" => self.with(request, |session, body: SelectRequest| {
                session.select(&body)
            }),
            "begin" => self.with(request, |session, body: BeginRequest| session.begin(&body)),
            "run_node" => self.with(request, |session, body: NodeRequest| {
                session.run_node(&body)
            }),
            "lend" => self.with(request, |session, body: LendRequest| session.lend(&body)),
            "settle" => self.with(request, |session, body: SettleRequest| {
                session.settle(&body)
            }),
            "record" => self.with(request, |session, body: NodeResult| session.record(&body)),
            "compile" => self.with(request, |session, body: CompileRequest| {
                session.compile(&body)
            }),
            "cancel" => self.with(request, |session, (): ()| {
                session.cancel();
                Ok(())
            }),
            "close" => self.with(request, |session, body: CloseRequest| session.close(&body)),
            "drop" => {
                let message: SessionMessage<()> = decode(request)?;
                let gone = self
                    .sessions
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&message.session);
                drop(gone);
                Ok(encode(&()))
            }
            _ => Err(WireError::UnknownMethod {
                method: method.to_owned(),
            }),
        }
    }
}

/// Brings the events of a plugin's sessions to their sinks. One a loaded backend; given to the plugin when it is opened.
#[derive(Default)]
pub struct EventRouter {
    sinks: Mutex<HashMap<u64, Arc<dyn EventSink>>>,
}

impl EventRouter {
    /// Takes the JSON of an event as the plugin sent it. What cannot be read is dropped: an event is never worth a run.
    pub fn route(&self, event: &[u8]) {
        let Ok(message) = serde_json::from_slice::<SessionMessage<Event>>(event) else {
            return;
        };
        let sink = self
            .sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&message.session)
            .cloned();
        if let Some(sink) = sink {
            sink.emit(message.body);
        }
    }

    fn add(&self, session: u64, sink: Arc<dyn EventSink>) {
        self.sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(session, sink);
    }

    fn remove(&self, session: u64) {
        self.sinks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&session);
    }
}

/// An execution backend behind the door.
pub struct BackendClient {
    transport: Arc<dyn Transport>,
    router: Arc<EventRouter>,
    capabilities: Capabilities,
    next: AtomicU64,
}

impl BackendClient {
    /// A client of the plugin that `transport` reaches; `router` gets the plugin's events.
    ///
    /// # Errors
    /// If the plugin cannot name its capabilities.
    pub fn new(
        transport: Arc<dyn Transport>,
        router: Arc<EventRouter>,
    ) -> Result<Self, PluginError> {
        let capabilities = ask_plain(&*transport, "capabilities", &())?;
        Ok(Self {
            transport,
            router,
            capabilities,
            next: AtomicU64::new(1),
        })
    }
}

impl ExecutionBackend for BackendClient {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        let session = self.next.fetch_add(1, Ordering::Relaxed);
        self.router.add(session, events);
        let client = SessionClient {
            transport: Arc::clone(&self.transport),
            router: Arc::clone(&self.router),
            session,
        };
        client.ask::<_, ()>("open", &request)?;
        Ok(Box::new(client))
    }
}

struct SessionClient {
    transport: Arc<dyn Transport>,
    router: Arc<EventRouter>,
    session: u64,
}

impl SessionClient {
    fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        method: &str,
        body: &Q,
    ) -> Result<A, PluginError> {
        ask_plain(
            &*self.transport,
            method,
            &SessionMessage {
                session: self.session,
                body,
            },
        )
    }
}

impl ExecutionSession for SessionClient {
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError> {
        self.ask("load", request)
    }

    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError> {
        self.ask("select", request)
    }

    fn begin(&self, request: &BeginRequest) -> Result<(), PluginError> {
        self.ask("begin", request)
    }

    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError> {
        self.ask("run_node", request)
    }

    fn lend(&self, request: &LendRequest) -> Result<Lent, PluginError> {
        self.ask("lend", request)
    }

    fn settle(&self, request: &SettleRequest) -> Result<NodeResult, PluginError> {
        self.ask("settle", request)
    }

    fn record(&self, result: &NodeResult) -> Result<(), PluginError> {
        self.ask("record", result)
    }

    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError> {
        self.ask("compile", request)
    }

    fn cancel(&self) {
        // Whether it worked shows in what runs: there is nobody to tell.
        let _: Result<(), _> = self.ask("cancel", &());
    }

    fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError> {
        self.ask("close", request)
    }
}

impl Drop for SessionClient {
    fn drop(&mut self) {
        // A session that cannot be dropped ends with the process.
        let _: Result<(), _> = self.ask("drop", &());
        self.router.remove(self.session);
    }
}
