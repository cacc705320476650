//! The plugin's configuration in `fal_project.yml`.

use fal_plugin::PluginError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{error, lease::GatewayConfig};

/// What `plugins.config.fal-dbt-backend` may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Further modules that are imported once, ahead of all models.
    pub preload: Vec<String>,
    /// Which engine runs dbt; `FAL_HOST_DBT_ENGINE` wins.
    pub engine: Engine,
    /// The `dbt` program of the engine `commands`; `FAL_HOST_DBT` wins.
    pub dbt: Option<String>,
    /// Where the data gateway listens for nodes that runners run elsewhere.
    pub gateway: GatewayConfig,
    /// Files that such nodes need beside the project's Python: patterns as in .gitignore,
    /// `data/*.csv`.
    pub bundle: Vec<String>,
}

/// How the backend runs dbt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// From the inside, if this dbt is known, else by its commands.
    #[default]
    Auto,
    /// From the inside, or not at all.
    Session,
    /// By its commands, in as few calls as the graph allows.
    Commands,
}

impl Config {
    /// Reads the configuration; `null` means all defaults.
    pub(crate) fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_null() {
            return Ok(Self::default());
        }
        let wrong = |cause: String| {
            PluginError::new(error::CONFIG, format!("wrong configuration: {cause}"))
        };
        let config = Self::deserialize(value).map_err(|cause| wrong(cause.to_string()))?;
        config.gateway.access().map_err(wrong)?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_means_defaults() {
        assert_eq!(Config::read(&Value::Null).unwrap(), Config::default());
        assert_eq!(Config::read(&json!({})).unwrap(), Config::default());
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        let error = Config::read(&json!({"prelaod": []})).unwrap_err();
        assert_eq!(error.code, "dbt::config");
        assert!(error.message.contains("prelaod"), "{error}");
    }
}
