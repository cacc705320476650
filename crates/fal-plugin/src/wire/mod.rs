//! The stage traits as messages. A table names each method once, and a macro makes both ends from it:
//! the one that a plugin serves and the client that the host calls. A [`Transport`] carries the messages.

mod execution;
mod stages;

use std::panic::{catch_unwind, AssertUnwindSafe};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{de::DeserializeOwned, Deserialize, Serialize};

pub(crate) use execution::{event, ServedBackend};
pub use execution::{BackendClient, EventRouter};
pub use stages::{NotebookParserClient, PythonParserClient, StubWriterClient};
pub(crate) use stages::{ServedNotebookParser, ServedPythonParser, ServedStubWriter};

use crate::{error::PluginError, manifest::Stage, payload::Diagnostic, stage::ParseError};

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WireError {
    /// A parser says that the input is not its language.
    Syntax {
        /// Where and why.
        diagnostic: Box<Diagnostic>,
    },
    /// The plugin answered with an error.
    Plugin {
        /// Which.
        error: PluginError,
    },
    /// The plugin panicked.
    Panic {
        /// Message and place of the panic.
        message: String,
    },
    /// The plugin is older than the host and has no such method.
    UnknownMethod {
        /// The method.
        method: String,
    },
}

/// A method of a stage, as its schema tells of it.
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) request: Schema,
    /// What goes along as bytes.
    pub(crate) attachment: Option<&'static str>,
    pub(crate) answer: Schema,
}

impl Method {
    fn new<Q: JsonSchema, A: JsonSchema>(
        name: &'static str,
        about: &'static str,
        generator: &mut SchemaGenerator,
    ) -> Self {
        let (request, answer) = (
            generator.subschema_for::<Q>(),
            generator.subschema_for::<A>(),
        );
        Self {
            name,
            about,
            request,
            attachment: None,
            answer,
        }
    }

    fn with_attachment(mut self, what: &'static str) -> Self {
        self.attachment = Some(what);
        self
    }
}

/// The methods of a stage.
pub(crate) fn methods(stage: Stage, generator: &mut SchemaGenerator) -> Vec<Method> {
    match stage {
        Stage::PythonParser => ServedPythonParser::<()>::methods(generator),
        Stage::NotebookParser => ServedNotebookParser::<()>::methods(generator),
        Stage::StubWriter => ServedStubWriter::<()>::methods(generator),
        Stage::ExecutionBackend => execution::methods(generator),
    }
}

/// Carries calls to a plugin.
pub trait Transport: Send + Sync {
    /// Name of the plugin, for messages.
    fn plugin(&self) -> &str;

    /// Calls a method.
    ///
    /// # Errors
    /// What the plugin answered as the error, as bytes.
    fn call(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, Vec<u8>>;
}

/// A stage as a plugin serves it: methods by name, JSON in, JSON out.
pub(crate) trait Serve: Send + Sync + 'static {
    fn serve(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, WireError>;
}

/// Serves one call; a panic of the plugin becomes an error here, on its own side of the boundary.
pub(crate) fn serve_guarded(
    stage: &dyn Serve,
    method: &str,
    request: &[u8],
    attachment: &[u8],
) -> Result<Vec<u8>, Vec<u8>> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        stage.serve(method, request, attachment)
    }))
    .unwrap_or_else(|cause| {
        Err(WireError::Panic {
            message: crate::export::panic_message(&*cause),
        })
    });
    outcome.map_err(|error| encode(&error))
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // This cannot fail, since payloads hold only what JSON can express. The other side would report
    // the empty answer as unreadable.
    serde_json::to_vec(value).unwrap_or_default()
}

pub(crate) fn decode<T: DeserializeOwned>(request: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(request).map_err(|cause| WireError::Plugin {
        error: PluginError::new(
            "plugin::bad_request",
            format!("the request could not be read: {cause}"),
        ),
    })
}

impl From<PluginError> for WireError {
    fn from(error: PluginError) -> Self {
        Self::Plugin { error }
    }
}

impl From<ParseError> for WireError {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::Syntax(diagnostic) => Self::Syntax { diagnostic },
            ParseError::Plugin(error) => Self::Plugin { error },
        }
    }
}

/// Calls a method and reads the answer.
fn ask<Q: Serialize, A: DeserializeOwned>(
    transport: &dyn Transport,
    method: &str,
    request: &Q,
    attachment: &[u8],
) -> Result<A, ParseError> {
    match transport.call(method, &encode(request), attachment) {
        Ok(answer) => serde_json::from_slice(&answer)
            .map_err(|cause| bad_answer(transport, method, &answer, &cause).into()),
        Err(error) => Err(match serde_json::from_slice(&error) {
            Ok(WireError::Syntax { diagnostic }) => ParseError::Syntax(diagnostic),
            Ok(other) => failed(transport, method, other).into(),
            Err(cause) => bad_answer(transport, method, &error, &cause).into(),
        }),
    }
}

/// [`ask`] for a method that does not parse a file.
fn ask_plain<Q: Serialize, A: DeserializeOwned>(
    transport: &dyn Transport,
    method: &str,
    request: &Q,
) -> Result<A, PluginError> {
    ask(transport, method, request, &[]).map_err(|error| match error {
        ParseError::Plugin(error) => error,
        ParseError::Syntax(diagnostic) => PluginError::new(diagnostic.code, diagnostic.message),
    })
}

fn failed(transport: &dyn Transport, method: &str, error: WireError) -> PluginError {
    let plugin = transport.plugin();
    match error {
        // An error without a message must still name the plugin.
        WireError::Plugin { error } if error.message.trim().is_empty() => PluginError::new(
            "plugin::no_words",
            format!("the plugin `{plugin}` failed in `{method}`, and does not say why"),
        )
        .with_help("this is a fault of the plugin: report it to its author, or choose another with `--plugin`"),
        WireError::Plugin { error } => error,
        WireError::Syntax { diagnostic } => PluginError::new(diagnostic.code, diagnostic.message),
        WireError::Panic { message } => {
            PluginError::new("plugin::panic", format!("the plugin `{plugin}` panicked in `{method}`: {message}"))
                .with_help("this is a fault of the plugin: report it to its author, or choose another with `--plugin`")
        }
        WireError::UnknownMethod { method } => PluginError::new(
            "plugin::unknown_method",
            format!("the plugin `{plugin}` does not know `{method}`: it was built for an older interface"),
        ),
    }
}

fn bad_answer(
    transport: &dyn Transport,
    method: &str,
    answer: &[u8],
    cause: &serde_json::Error,
) -> PluginError {
    let start: String = String::from_utf8_lossy(&answer[..answer.len().min(240)])
        .chars()
        .take(60)
        .collect();
    // Shorten the cause, which may quote the whole answer.
    let cause: String = cause.to_string().chars().take(200).collect();
    PluginError::new(
        "plugin::bad_answer",
        format!(
            "the plugin `{}` answered `{method}` with something unreadable: {cause} in `{start}`",
            transport.plugin()
        ),
    )
    .with_help(
        "this is a fault of the plugin: report it to its author, or choose another with `--plugin`",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        payload::{Capabilities, Event, NodeErrorRequest, OpenRequest},
        EventSink, ExecutionBackend,
    };

    /// Answers everything with the same error.
    struct Errs(Vec<u8>);

    impl Transport for Errs {
        fn plugin(&self) -> &str {
            "acme"
        }

        fn call(&self, _: &str, _: &[u8], _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
            Err(self.0.clone())
        }
    }

    fn message(error: Vec<u8>) -> String {
        ask_plain::<_, String>(&Errs(error), "folder", &())
            .unwrap_err()
            .message
    }

    #[test]
    fn an_error_without_words_names_the_plugin() {
        let silent = WireError::Plugin {
            error: PluginError::new("", " "),
        };
        assert_eq!(
            message(encode(&silent)),
            "the plugin `acme` failed in `folder`, and does not say why"
        );
    }

    #[test]
    fn an_unreadable_answer_is_not_quoted_in_full() {
        let text = message(encode(&"x".repeat(1 << 20)));
        assert!(
            text.starts_with("the plugin `acme` answered `folder` with something unreadable: "),
            "{text}"
        );
        assert!(text.len() < 500, "{}", text.len());
    }

    /// Knows no method but `capabilities`, as if built with an older interface.
    struct Older;

    impl Transport for Older {
        fn plugin(&self) -> &str {
            "acme"
        }

        fn call(&self, method: &str, _: &[u8], _: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
            match method {
                "capabilities" => Ok(encode(&Capabilities::default())),
                "open" => Ok(encode(&())),
                "folder" => Ok(encode(&"fal")),
                "extensions" => Ok(encode(&["ipynb"])),
                _ => Err(encode(&WireError::UnknownMethod {
                    method: method.to_owned(),
                })),
            }
        }
    }

    #[test]
    fn every_method_that_is_described_is_served() {
        let older = || Arc::new(Older);
        let backend = BackendClient::new(older(), Arc::default()).unwrap();
        let served: [(Stage, Box<dyn Serve>); 4] = [
            (
                Stage::PythonParser,
                Box::new(ServedPythonParser(PythonParserClient::new(older()))),
            ),
            (
                Stage::NotebookParser,
                Box::new(ServedNotebookParser(
                    NotebookParserClient::new(older()).unwrap(),
                )),
            ),
            (
                Stage::StubWriter,
                Box::new(ServedStubWriter(StubWriterClient::new(older()).unwrap())),
            ),
            (
                Stage::ExecutionBackend,
                Box::new(ServedBackend::new(backend, Arc::new(|_: &[u8]| {}))),
            ),
        ];
        for (stage, serve) in served {
            let mut generator = SchemaGenerator::default();
            for method in methods(stage, &mut generator) {
                let answer = serve.serve(method.name, b"no JSON", &[]);
                let unknown = matches!(answer, Err(WireError::UnknownMethod { .. }));
                assert!(!unknown, "{stage}: {}", method.name);
            }
            let answer = serve.serve("of_tomorrow", b"{}", &[]);
            assert!(matches!(answer, Err(WireError::UnknownMethod { .. })));
        }
    }

    #[test]
    fn a_backend_that_does_not_know_a_method_says_so() {
        let backend = BackendClient::new(Arc::new(Older), Arc::default()).unwrap();
        struct Deaf;
        impl EventSink for Deaf {
            fn emit(&self, _: Event) {}
        }
        let request = OpenRequest::new("/p", "/s", "run");
        let session = backend.open(request, Arc::new(Deaf)).unwrap();
        let error = session
            .node_error(&NodeErrorRequest::new("model.p.a"))
            .unwrap_err();
        assert_eq!(error.code, "plugin::unknown_method");
    }
}
