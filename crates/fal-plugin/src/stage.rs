//! The four stages. A plugin implements one of these traits; the host calls the same traits on what it loaded.

use std::sync::Arc;

use crate::{
    error::PluginError,
    payload::{
        BeginRequest, Capabilities, CloseRequest, CloseResponse, CommandLine, CommandRequest,
        CompileRequest, CompileResponse, Diagnostic, Event, LendRequest, Lent, Lineage,
        LoadRequest, NodeError, NodeErrorRequest, NodeRequest, NodeResult, NotebookAnalysis,
        OpenRequest, PythonAnalysis, RunGraph, SelectRequest, SettleRequest, Stub, StubRequest,
        StubVerdict, StubVerdictRequest,
    },
};

/// Finds out what a Python file is, reads and writes.
pub trait PythonParser: Send + Sync {
    /// Parses `text` (UTF-8, without a byte order mark). `path` is for messages only.
    ///
    /// # Errors
    /// [`ParseError::Syntax`] if the text is not Python as this parser knows it: the next parser of the chain is
    /// asked, and the last one's diagnostic is shown.
    fn parse(&self, path: &str, text: &str) -> Result<PythonAnalysis, ParseError>;
}

/// Turns a notebook into Python text.
pub trait NotebookParser: Send + Sync {
    /// File extensions that this parser claims, without the dot.
    fn extensions(&self) -> Vec<String>;

    /// Reads the notebook. `path` is for messages only.
    ///
    /// # Errors
    /// [`ParseError::Syntax`] if the bytes are no notebook.
    fn parse(&self, path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError>;
}

/// Renders stubs, and recognizes them. Does no IO, since the host writes the files.
pub trait StubWriter: Send + Sync {
    /// Folder below each model path that holds the stubs (`fal`).
    fn folder(&self) -> String;

    /// The stub of a model.
    ///
    /// # Errors
    /// If the model cannot have a stub.
    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError>;

    /// Decides who wrote a file at a stub's path.
    ///
    /// # Errors
    /// If it cannot decide: the host then treats the file as foreign and stops.
    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError>;
}

/// Runs nodes.
pub trait ExecutionBackend: Send + Sync {
    /// What this backend can do.
    fn capabilities(&self) -> Capabilities;

    /// Starts a session. It returns at once: what takes time goes on behind and is waited for in
    /// [`ExecutionSession::load`].
    ///
    /// # Errors
    /// If the session cannot start.
    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError>;

    /// Returns how the host starts a command of dbt that dbt itself runs to its end.
    ///
    /// # Errors
    /// If the backend does not run dbt, or this command does not work with it.
    fn command(&self, _request: &CommandRequest) -> Result<CommandLine, PluginError> {
        Err(PluginError::new(
            "plugin::no_commands",
            "this execution backend runs no commands of dbt",
        ))
    }
}

/// Takes the events of a session. Called from any thread.
pub trait EventSink: Send + Sync {
    /// One event.
    fn emit(&self, event: Event);
}

/// A running backend. All methods may be called from many threads.
pub trait ExecutionSession: Send + Sync {
    /// Reads the project: the stubs are in place.
    ///
    /// # Errors
    /// If the project, the profile or the installation is wrong: the message is for the user.
    fn load(&self, request: &LoadRequest) -> Result<RunGraph, PluginError>;

    /// Nodes that a selection method matches.
    ///
    /// # Errors
    /// If there is no such method or value.
    fn select(&self, request: &SelectRequest) -> Result<Vec<String>, PluginError>;

    /// Prepares the warehouse for these nodes.
    ///
    /// # Errors
    /// If nothing can run.
    fn begin(&self, request: &BeginRequest) -> Result<(), PluginError>;

    /// Runs one node to its end. A node that fails is an `Ok` with that status.
    ///
    /// # Errors
    /// If the backend itself is broken: the run stops.
    fn run_node(&self, request: &NodeRequest) -> Result<NodeResult, PluginError>;

    /// Lends a Python model to another backend. Called only if [`Capabilities::lends`]; every lease is settled.
    ///
    /// # Errors
    /// If the backend itself is broken: the run stops. A node that cannot be lent is a [`Lent::Ended`].
    fn lend(&self, _request: &LendRequest) -> Result<Lent, PluginError> {
        Err(does_not_lend())
    }

    /// Settles a lease: commits or rolls back what the node wrote, and records its result. Returns
    /// the recorded result.
    ///
    /// # Errors
    /// If the backend itself is broken: the run stops.
    fn settle(&self, _request: &SettleRequest) -> Result<NodeResult, PluginError> {
        Err(does_not_lend())
    }

    /// Records a node that the host did not run (skipped).
    ///
    /// # Errors
    /// If the backend itself is broken.
    fn record(&self, result: &NodeResult) -> Result<(), PluginError>;

    /// Returns what is known of the error of a node that failed, beside the message in its result.
    ///
    /// The host asks once for each failed node and hook, after the answer that says so: from
    /// [`run_node`](Self::run_node), [`settle`](Self::settle) or [`lend`](Self::lend). A runner is not
    /// asked, since the owner of the data has the job's own account.
    ///
    /// # Errors
    /// If the backend itself is broken: the host then shows the message alone.
    fn node_error(&self, _request: &NodeErrorRequest) -> Result<Option<NodeError>, PluginError> {
        Ok(None)
    }

    /// Returns where the warehouse is and which columns nodes have, for reports of lineage. The host
    /// asks once after [`load`](Self::load), and only where such reports are configured.
    ///
    /// # Errors
    /// If the backend itself is broken: the reports then do without.
    fn lineage(&self, _request: &()) -> Result<Lineage, PluginError> {
        Ok(Lineage::default())
    }

    /// Returns whether this backend runs Python and notebook models without writing them
    /// ([`OpenRequest::show_limit`]). The host asks before it does.
    ///
    /// # Errors
    /// If the backend itself is broken.
    fn shows(&self, _request: &()) -> Result<bool, PluginError> {
        Ok(false)
    }

    /// Compiles SQL.
    ///
    /// # Errors
    /// If it does not compile.
    fn compile(&self, request: &CompileRequest) -> Result<CompileResponse, PluginError>;

    /// Cancels running queries and stops running models. Their [`run_node`](Self::run_node) returns
    /// soon afterwards.
    fn cancel(&self);

    /// Ends the session; nothing stays behind.
    ///
    /// # Errors
    /// If the end was not orderly.
    fn close(&self, request: &CloseRequest) -> Result<CloseResponse, PluginError>;
}

fn does_not_lend() -> PluginError {
    PluginError::new(
        "plugin::does_not_lend",
        "this execution backend owns no data that it could lend",
    )
}

/// Why a parser gave nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// The input is not what this parser reads.
    #[error("{}", .0.message)]
    Syntax(Box<Diagnostic>),
    /// The parser itself failed.
    #[error(transparent)]
    Plugin(#[from] PluginError),
}
