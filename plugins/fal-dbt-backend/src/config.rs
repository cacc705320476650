//! The plugin's configuration in `fal_project.yml`.

use fal_plugin::PluginError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error;

/// What `plugins.config.fal-dbt-backend` may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Further modules that are imported once, ahead of all models.
    pub preload: Vec<String>,
}

impl Config {
    /// Reads the configuration; `null` means all defaults.
    pub(crate) fn read(value: &Value) -> Result<Self, PluginError> {
        if value.is_null() {
            return Ok(Self::default());
        }
        Self::deserialize(value)
            .map_err(|cause| PluginError::new(error::CONFIG, format!("wrong configuration: {cause}")))
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
