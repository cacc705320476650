//! The options of the notebook parser.

use fal_plugin::PluginError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Options of the notebook parser.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NotebookConfig {
    /// Code cells with one of these tags in their metadata are left out.
    pub skip_tags: Vec<String>,
}

impl Default for NotebookConfig {
    fn default() -> Self {
        // Jupyter's runner (nbclient) leaves out cells with `skip-execution`.
        Self {
            skip_tags: ["fal-skip", "skip", "skip-execution"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

impl NotebookConfig {
    /// Reads the options; `null` means the defaults.
    pub(crate) fn read(config: &Value) -> Result<Self, PluginError> {
        let read = if config.is_null() {
            Ok(Self::default())
        } else {
            Self::deserialize(config)
        };
        read.map_err(|error| {
            PluginError::new(
                "notebook::config",
                format!("the options of the notebook parser are wrong: {error}"),
            )
        })
    }
}

/// Returns the JSON schema of the options.
pub fn config_schema() -> Value {
    schemars::schema_for!(NotebookConfig).to_value()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let tags = |config| NotebookConfig::read(&config).map(|config| config.skip_tags);
        assert_eq!(tags(json!({"skip_tags": ["x"]})), Ok(vec!["x".to_owned()]));
        assert_eq!(tags(json!({})), tags(json!(null)));
        let error = NotebookConfig::read(&json!({"skip": []})).unwrap_err();
        insta::assert_snapshot!(error.message, @"the options of the notebook parser are wrong: unknown field `skip`, expected `skip_tags`");
    }
}
