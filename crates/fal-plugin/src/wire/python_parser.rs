//! Both ends of the stage [`PythonParser`].

use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{ask, decode, encode, Method, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::PythonAnalysis,
    stage::{ParseError, PythonParser},
};

#[derive(Serialize, Deserialize, JsonSchema)]
struct ParseRequest {
    /// Path of the file below the project: for messages only.
    path: String,
}

/// The methods of this stage.
pub(crate) fn methods(generator: &mut SchemaGenerator) -> Vec<Method> {
    let about = "Analyses a file. What is no Python is the error `syntax`";
    vec![
        Method::of::<ParseRequest, PythonAnalysis>("parse", about, generator)
            .with_attachment("text, UTF-8 without byte order mark"),
    ]
}

pub(crate) struct ServedPythonParser<P>(pub(crate) P);

impl<P: PythonParser + 'static> Serve for ServedPythonParser<P> {
    fn serve(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, WireError> {
        match method {
            "parse" => {
                let request: ParseRequest = decode(request)?;
                let text = std::str::from_utf8(attachment).map_err(|_| {
                    PluginError::new("plugin::bad_request", "the text is not UTF-8")
                })?;
                Ok(encode(&self.0.parse(&request.path, text)?))
            }
            _ => Err(WireError::UnknownMethod {
                method: method.to_owned(),
            }),
        }
    }
}

/// A Python parser behind the door.
pub struct PythonParserClient(Arc<dyn Transport>);

impl PythonParserClient {
    /// A client of the plugin that `transport` reaches.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self(transport)
    }
}

impl PythonParser for PythonParserClient {
    fn parse(&self, path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        ask(
            &*self.0,
            "parse",
            &ParseRequest {
                path: path.to_owned(),
            },
            text.as_bytes(),
        )
    }
}
