//! Both ends of the three stages that hold no state: parsers and the stub writer.

use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{ask, ask_plain, decode, encode, Method, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::{
        NotebookAnalysis, PythonAnalysis, Stub, StubRequest, StubVerdict, StubVerdictRequest,
    },
    stage::{NotebookParser, ParseError, PythonParser, StubWriter},
};

// A request whose file travels beside it as bytes. (A doc comment would go into the schemas.)
#[derive(Serialize, Deserialize, JsonSchema)]
struct ParseRequest {
    /// Path of the file below the project: for messages only.
    path: String,
}

/// Content of a file as a parser takes it.
trait Content {
    fn from_bytes(bytes: &[u8]) -> Result<&Self, PluginError>;
    fn as_bytes(&self) -> &[u8];
}

impl Content for [u8] {
    fn from_bytes(bytes: &[u8]) -> Result<&Self, PluginError> {
        Ok(bytes)
    }

    fn as_bytes(&self) -> &[u8] {
        self
    }
}

impl Content for str {
    fn from_bytes(bytes: &[u8]) -> Result<&Self, PluginError> {
        std::str::from_utf8(bytes)
            .map_err(|_| PluginError::new("plugin::bad_request", "the text is not UTF-8"))
    }

    fn as_bytes(&self) -> &[u8] {
        str::as_bytes(self)
    }
}

/// Writes a stage from a table with one line a method: what the plugin serves, the client that the
/// host calls, and the description for the schemas.
///
/// - `fixed`: a value that never changes. The client asks for it once, in `open`.
/// - `call`: takes a request.
/// - `parse`: takes a file.
macro_rules! stage {
    (
        $trait:ident, served by $served:ident, reached by $client:ident;
        $(fixed $fixed:ident -> $value:ty: $fixed_about:literal;)*
        $(call $call:ident($request:ty) -> $answer:ty: $call_about:literal;)*
        $(parse $parse:ident($content:ty: $bytes:literal) -> $analysis:ty: $parse_about:literal;)*
    ) => {
        pub(crate) struct $served<S>(pub(crate) S);

        impl<S> $served<S> {
            pub(crate) fn methods(generator: &mut SchemaGenerator) -> Vec<Method> {
                vec![
                    $(Method::new::<(), $value>(stringify!($fixed), $fixed_about, generator),)*
                    $(Method::new::<$request, $answer>(stringify!($call), $call_about, generator),)*
                    $(
                        Method::new::<ParseRequest, $analysis>(
                            stringify!($parse), $parse_about, generator,
                        )
                        .with_attachment($bytes),
                    )*
                ]
            }
        }

        impl<S: $trait + 'static> Serve for $served<S> {
            #[allow(unused_variables, reason = "not every stage takes a file")]
            fn serve(
                &self,
                method: &str,
                request: &[u8],
                attachment: &[u8],
            ) -> Result<Vec<u8>, WireError> {
                match method {
                    $(stringify!($fixed) => Ok(encode(&self.0.$fixed())),)*
                    $(stringify!($call) => Ok(encode(&self.0.$call(&decode(request)?)?)),)*
                    $(stringify!($parse) => {
                        let ParseRequest { path } = decode(request)?;
                        let content = <$content>::from_bytes(attachment)?;
                        Ok(encode(&self.0.$parse(&path, content)?))
                    })*
                    _ => Err(WireError::UnknownMethod { method: method.to_owned() }),
                }
            }
        }

        #[doc = concat!("A [`", stringify!($trait), "`] in a plugin.")]
        pub struct $client {
            transport: Arc<dyn Transport>,
            $($fixed: $value,)*
        }

        impl $client {
            #[allow(dead_code, reason = "a client without fixed values opens without a call")]
            fn open(transport: Arc<dyn Transport>) -> Result<Self, PluginError> {
                Ok(Self { $($fixed: ask_plain(&*transport, stringify!($fixed), &())?,)* transport })
            }
        }

        impl $trait for $client {
            $(fn $fixed(&self) -> $value {
                self.$fixed.clone()
            })*
            $(fn $call(&self, request: &$request) -> Result<$answer, PluginError> {
                ask_plain(&*self.transport, stringify!($call), request)
            })*
            $(fn $parse(&self, path: &str, content: &$content) -> Result<$analysis, ParseError> {
                let request = ParseRequest { path: path.to_owned() };
                ask(&*self.transport, stringify!($parse), &request, Content::as_bytes(content))
            })*
        }
    };
}

stage! {
    PythonParser, served by ServedPythonParser, reached by PythonParserClient;
    parse parse(str: "text, UTF-8 without byte order mark") -> PythonAnalysis:
        "Analyses a file. What is no Python is the error `syntax`";
}

stage! {
    NotebookParser, served by ServedNotebookParser, reached by NotebookParserClient;
    fixed extensions -> Vec<String>: "Extensions of the files that it claims, without dot";
    parse parse([u8]: "bytes of the file") -> NotebookAnalysis:
        "Turns a notebook into Python. What is no notebook is the error `syntax`";
}

stage! {
    StubWriter, served by ServedStubWriter, reached by StubWriterClient;
    fixed folder -> String: "Name of the folder of stubs below a model path";
    call render(StubRequest) -> Stub: "The stub of a model";
    call judge(StubVerdictRequest) -> StubVerdict:
        "Who wrote the file at a stub's path";
}

impl PythonParserClient {
    /// Returns a client of the plugin that `transport` reaches.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }
}

impl NotebookParserClient {
    /// Returns a client of the plugin that `transport` reaches.
    ///
    /// # Errors
    /// If the plugin cannot say which extensions it claims.
    pub fn new(transport: Arc<dyn Transport>) -> Result<Self, PluginError> {
        Self::open(transport)
    }
}

impl StubWriterClient {
    /// Returns a client of the plugin that `transport` reaches.
    ///
    /// # Errors
    /// If the plugin cannot name its folder.
    pub fn new(transport: Arc<dyn Transport>) -> Result<Self, PluginError> {
        Self::open(transport)
    }
}
