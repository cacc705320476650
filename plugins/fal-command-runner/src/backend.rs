//! The backend: reads the configuration, opens sessions.

use std::{
    env,
    path::{self, PathBuf},
    sync::Arc,
};

use fal_plugin::{
    payload::{Capabilities, OpenRequest},
    EventSink, ExecutionBackend, ExecutionSession, PluginError,
};
use serde_json::Value;

use crate::{config::Config, session::CommandSession, settings::Settings};

/// Runs Python models by a command.
#[derive(Clone, Debug)]
pub struct CommandRunner {
    settings: Arc<Settings>,
}

impl CommandRunner {
    /// Creates a runner from the plugin's configuration in `fal_project.yml`; `null` means all
    /// defaults.
    ///
    /// # Errors
    /// If the configuration does not match [`Config`], or uses an unknown placeholder.
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        Ok(Self {
            settings: Arc::new(Settings::new(Config::read(config)?)?),
        })
    }

    /// Returns the JSON schema of the configuration.
    pub fn config_schema() -> Value {
        schemars::schema_for!(Config).to_value()
    }
}

impl ExecutionBackend for CommandRunner {
    fn capabilities(&self) -> Capabilities {
        let concurrency = self.settings.config.concurrency;
        Capabilities {
            python: true,
            concurrency,
            ..Capabilities::default()
        }
    }

    fn open(
        &self,
        request: OpenRequest,
        events: Arc<dyn EventSink>,
    ) -> Result<Box<dyn ExecutionSession>, PluginError> {
        let python = request
            .python
            .or_else(chosen)
            .unwrap_or_else(|| "python3".to_owned());
        let project_dir = PathBuf::from(request.project_dir);
        Ok(Box::new(CommandSession::new(
            Arc::clone(&self.settings),
            project_dir,
            python,
            events,
        )?))
    }
}

/// Returns the interpreter that fal-host itself uses when the command line names none.
fn chosen() -> Option<String> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    // The command runs in the project's folder, which may differ from the folder that fal-host
    // was called in.
    let whole =
        |path: String| path::absolute(&path).map_or(path, |path| path.display().to_string());
    let named = variable("FAL_HOST_PYTHON").map(|path| {
        if path.contains('/') {
            whole(path)
        } else {
            path
        }
    });
    named.or_else(|| variable("VIRTUAL_ENV").map(|folder| whole(format!("{folder}/bin/python"))))
}
