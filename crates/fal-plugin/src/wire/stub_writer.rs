//! Both ends of the stage [`StubWriter`].

use std::sync::Arc;

use schemars::SchemaGenerator;

use super::{ask_plain, decode, encode, Method, Serve, Transport, WireError};
use crate::{
    error::PluginError,
    payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest},
    stage::StubWriter,
};

/// The methods of this stage.
pub(crate) fn methods(generator: &mut SchemaGenerator) -> Vec<Method> {
    vec![
        Method::of::<(), String>(
            "folder",
            "Name of the folder of stubs below a model path",
            generator,
        ),
        Method::of::<StubRequest, Stub>("render", "The stub of a model", generator),
        Method::of::<StubVerdictRequest, StubVerdict>(
            "judge",
            "Whose a file is that stands in a stub's place",
            generator,
        ),
    ]
}

pub(crate) struct ServedStubWriter<W>(pub(crate) W);

impl<W: StubWriter + 'static> Serve for ServedStubWriter<W> {
    fn serve(
        &self,
        method: &str,
        request: &[u8],
        _attachment: &[u8],
    ) -> Result<Vec<u8>, WireError> {
        match method {
            "folder" => Ok(encode(&self.0.folder())),
            "render" => Ok(encode(&self.0.render(&decode(request)?)?)),
            "judge" => Ok(encode(&self.0.judge(&decode(request)?)?)),
            _ => Err(WireError::UnknownMethod {
                method: method.to_owned(),
            }),
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
