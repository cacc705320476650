//! Both ends of the stage [`StubWriter`].

use std::sync::Arc;

use super::{ask_plain, decode, encode, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest},
    stage::StubWriter,
};

pub(crate) struct ServedStubWriter<W>(pub(crate) W);

impl<W: StubWriter + 'static> Serve for ServedStubWriter<W> {
    fn serve(&self, method: &str, request: &[u8], _attachment: &[u8]) -> Result<Vec<u8>, WireError> {
        match method {
            "folder" => Ok(encode(&self.0.folder())),
            "render" => Ok(encode(&self.0.render(&decode(request)?)?)),
            "judge" => Ok(encode(&self.0.judge(&decode(request)?)?)),
            _ => Err(WireError::UnknownMethod { method: method.to_owned() }),
        }
    }
}

/// A stub writer behind the door.
pub struct StubWriterClient {
    transport: Arc<dyn Transport>,
    folder: String,
}

impl StubWriterClient {
    /// A client of the plugin that `transport` reaches.
    ///
    /// # Errors
    /// If the plugin cannot name its folder.
    pub fn new(transport: Arc<dyn Transport>) -> Result<Self, PluginError> {
        let folder = ask_plain(&*transport, "folder", &())?;
        Ok(Self { transport, folder })
    }
}

impl StubWriter for StubWriterClient {
    fn folder(&self) -> String {
        self.folder.clone()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        ask_plain(&*self.transport, "render", request)
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        ask_plain(&*self.transport, "judge", request)
    }
}
