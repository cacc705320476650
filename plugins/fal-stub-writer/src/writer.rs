//! The stage: renders stubs and judges files.

use fal_plugin::{
    payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest},
    PluginError, StubWriter,
};
use serde_json::Value;

use crate::{checksum, config::StubConfig, dependency, location, render};

/// Writes a stub as an ephemeral SQL model.
#[derive(Clone, Debug)]
pub struct SqlStubWriter {
    config: StubConfig,
}

impl SqlStubWriter {
    /// Makes a writer with these options (see [`config_schema`](crate::config_schema)).
    ///
    /// # Errors
    /// If an option is unknown or its value wrong.
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        Ok(Self {
            config: StubConfig::read(config)?,
        })
    }
}

impl StubWriter for SqlStubWriter {
    fn folder(&self) -> String {
        self.config.folder.clone()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        let path = location::stub_path(&self.config.folder, &request.path)?;
        let lines: Result<Vec<_>, _> = request
            .dependencies
            .iter()
            .map(|dependency| dependency::line(dependency, &request.path))
            .collect();
        Ok(Stub {
            path,
            content: render::render(&lines?, self.config.relation),
        })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        Ok(checksum::judge(&request.content))
    }
}
