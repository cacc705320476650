//! Both ends of the stage [`NotebookParser`].

use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{ask, ask_plain, decode, encode, Method, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::NotebookAnalysis,
    stage::{NotebookParser, ParseError},
};

#[derive(Serialize, Deserialize, JsonSchema)]
struct ParseRequest {
    /// Path of the file below the project: for messages only.
    path: String,
}

/// The methods of this stage.
pub(crate) fn methods(generator: &mut SchemaGenerator) -> Vec<Method> {
    let about = "Turns a notebook into Python. What is no notebook is the error `syntax`";
    vec![
        Method::of::<(), Vec<String>>(
            "extensions",
            "Extensions of the files that it claims, without dot",
            generator,
        ),
        Method::of::<ParseRequest, NotebookAnalysis>("parse", about, generator)
            .with_attachment("bytes of the file"),
    ]
}

pub(crate) struct ServedNotebookParser<P>(pub(crate) P);

impl<P: NotebookParser + 'static> Serve for ServedNotebookParser<P> {
    fn serve(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, WireError> {
        match method {
            "parse" => {
                let request: ParseRequest = decode(request)?;
                Ok(encode(&self.0.parse(&request.path, attachment)?))
            }
            "extensions" => Ok(encode(&self.0.extensions())),
            _ => Err(WireError::UnknownMethod {
                method: method.to_owned(),
            }),
        }
    }
}

/// A notebook parser behind the door.
pub struct NotebookParserClient {
    transport: Arc<dyn Transport>,
    extensions: Vec<String>,
}

impl NotebookParserClient {
    /// A client of the plugin that `transport` reaches.
    ///
    /// # Errors
    /// If the plugin cannot say which extensions it claims.
    pub fn new(transport: Arc<dyn Transport>) -> Result<Self, PluginError> {
        let extensions = ask_plain(&*transport, "extensions", &())?;
        Ok(Self {
            transport,
            extensions,
        })
    }
}

impl NotebookParser for NotebookParserClient {
    fn extensions(&self) -> Vec<String> {
        self.extensions.clone()
    }

    fn parse(&self, path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        ask(
            &*self.transport,
            "parse",
            &ParseRequest {
                path: path.to_owned(),
            },
            bytes,
        )
    }
}
