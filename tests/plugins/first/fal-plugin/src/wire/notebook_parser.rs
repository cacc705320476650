//! Both ends of the stage [`NotebookParser`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ask, ask_plain, decode, encode, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::NotebookAnalysis,
    stage::{NotebookParser, ParseError},
};

#[derive(Serialize, Deserialize)]
struct ParseRequest {
    path: String,
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
            _ => Err(WireError::UnknownMethod { method: method.to_owned() }),
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
        Ok(Self { transport, extensions })
    }
}

impl NotebookParser for NotebookParserClient {
    fn extensions(&self) -> Vec<String> {
        self.extensions.clone()
    }

    fn parse(&self, path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        ask(&*self.transport, "parse", &ParseRequest { path: path.to_owned() }, bytes)
    }
}
