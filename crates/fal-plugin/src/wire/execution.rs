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
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CommandLine, CommandRequest,
        CompileRequest, CompileResponse, Event, LendRequest, Lent, Lineage, LoadRequest, NodeError,
        NodeErrorRequest, NodeRequest, NodeResult, OpenRequest, RunGraph, SelectRequest,
        SettleRequest,
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

/// Writes the methods that take a session from a table with one line a method: the end that the
/// plugin serves, the client that the host calls, and the description for the schemas.
///
/// The schemas number the envelopes in the order in which they meet them, and a published number must
/// not change. So the table has sections: `first` comes before `cancel`, `last` before `drop`, and
/// methods that came with a later version behind all of these.
macro_rules! session_methods {
    (
        first { $($first:tt)* }
        last { $($last:tt)* }
        later { $($later:tt)* }
    ) => {
        session_methods! { @describe first_methods $($first)* }
        session_methods! { @describe last_methods $($last)* }
        session_methods! { @describe later_methods $($later)* }
        session_methods! { @ends $($first)* $($last)* $($later)* }
    };
    (
        @describe $describe:ident
        $($name:ident($request:ty) -> $answer:ty: $about:literal;)*
    ) => {
        fn $describe(generator: &mut SchemaGenerator) -> Vec<Method> {
            vec![$(Method::new::<SessionMessage<$request>, $answer>(
                stringify!($name), $about, generator,
            ),)*]
        }
    };
    (@ends $($name:ident($request:ty) -> $answer:ty: $about:literal;)*) => {
        impl<B: ExecutionBackend + 'static> ServedBackend<B> {
            fn serve_session(&self, method: &str, request: &[u8]) -> Result<Vec<u8>, WireError> {
                match method {
                    $(stringify!($name) => self.with(request, |session, body: $request| {
                        session.$name(&body)
                    }),)*
                    _ => Err(WireError::UnknownMethod { method: method.to_owned() }),
                }
            }
        }

        impl ExecutionSession for SessionClient {
            $(fn $name(&self, request: &$request) -> Result<$answer, PluginError> {
                self.ask(stringify!($name), request)
            })*

            fn cancel(&self) {
                // The ends of the running nodes show whether it worked.
                let _: Result<(), _> = self.ask("cancel", &());
            }
        }
    };
}

session_methods! {
    first {
        load(LoadRequest) -> RunGraph: "Reads the project: the stubs are in place";
        select(SelectRequest) -> Vec<String>:
            "Unique ids of the nodes that a method of selection matches";
        begin(BeginRequest) -> (): "Prepares the warehouse for the nodes that will run";
        run_node(NodeRequest) -> NodeResult: "Runs one node to its end; called from many threads";
        record(NodeResult) -> (): "Takes note of a node that was not run";
        compile(CompileRequest) -> CompileResponse: "Compiles SQL with Jinja";
    }
    last {
        close(CloseRequest) -> CloseResponse: "Ends the session; nothing stays behind";
    }
    later {
        lend(LendRequest) -> Lent: "Makes a Python model ready to be run by another backend";
        settle(SettleRequest) -> NodeResult: "Commits or undoes what a lent model wrote";
        node_error(NodeErrorRequest) -> Option<NodeError>:
            "What is known of the error of a node that failed; since 1.2";
        lineage(()) -> Lineage: "Where the warehouse is and which columns nodes have; since 1.2";
        shows(()) -> bool: "Whether it runs Python models without writing them; since 1.2";
    }
}

/// The methods of this stage.
pub(crate) fn methods(g: &mut SchemaGenerator) -> Vec<Method> {
    let mut methods = vec![
        Method::new::<(), Capabilities>("capabilities", "What the backend can do", g),
        Method::new::<SessionMessage<OpenRequest>, ()>(
            "open",
            "Starts a session; returns at once",
            g,
        ),
    ];
    methods.extend(first_methods(g));
    methods.push(Method::new::<SessionMessage<()>, ()>(
        "cancel",
        "Ends what runs, soon: its `run_node` returns",
        g,
    ));
    methods.extend(last_methods(g));
    methods.push(Method::new::<SessionMessage<()>, ()>(
        "drop",
        "The host is done with the session, whether it was closed or not",
        g,
    ));
    event(g);
    methods.extend(later_methods(g));
    methods.push(Method::new::<CommandRequest, CommandLine>(
        "command",
        "How the host starts a command of dbt that dbt itself runs; since 1.2",
        g,
    ));
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
            "command" => Ok(encode(&self.backend.command(&decode(request)?)?)),
            "cancel" => self.with(request, |session, (): ()| {
                session.cancel();
                Ok(())
            }),
            "drop" => {
                let message: SessionMessage<()> = decode(request)?;
                let gone = self
                    .sessions
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&message.session);
                // The session is dropped without the lock: its end may take a while.
                drop(gone);
                Ok(encode(&()))
            }
            _ => self.serve_session(method, request),
        }
    }
}

/// Routes the events of a plugin's sessions to their sinks. Each loaded backend has one router,
/// which the plugin gets when it is opened.
#[derive(Default)]
pub struct EventRouter {
    sinks: Mutex<HashMap<u64, Arc<dyn EventSink>>>,
}

impl EventRouter {
    /// Handles the JSON of an event from the plugin. Drops unreadable events, since a lost event
    /// must not end a run.
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

/// An [`ExecutionBackend`] in a plugin.
pub struct BackendClient {
    transport: Arc<dyn Transport>,
    router: Arc<EventRouter>,
    capabilities: Capabilities,
    next: AtomicU64,
}

impl BackendClient {
    /// Returns a client of the plugin that `transport` reaches; `router` gets the plugin's events.
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

    fn command(&self, request: &CommandRequest) -> Result<CommandLine, PluginError> {
        ask_plain(&*self.transport, "command", request)
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

impl Drop for SessionClient {
    fn drop(&mut self) {
        // A session that cannot be dropped ends with the process.
        let _: Result<(), _> = self.ask("drop", &());
        self.router.remove(self.session);
    }
}
