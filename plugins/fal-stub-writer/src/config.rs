//! The options of the stub writer.

use fal_plugin::PluginError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The relation that the stub selects from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// `{{ this }}`, which respects custom schemas, aliases and databases.
    #[default]
    This,
    /// `{{ target.schema }}.{{ model.name }}`, as in older stubs.
    TargetSchema,
}

/// Options of the stub writer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StubConfig {
    /// The relation that the stub selects from.
    pub relation: Relation,
    /// The folder below each model path that holds the stubs.
    #[schemars(length(min = 1))]
    pub folder: String,
}

impl Default for StubConfig {
    fn default() -> Self {
        Self {
            relation: Relation::default(),
            folder: "fal".to_owned(),
        }
    }
}

impl StubConfig {
    /// Reads the options; `null` means the defaults.
    pub(crate) fn read(config: &Value) -> Result<Self, PluginError> {
        let read = if config.is_null() {
            Ok(Self::default())
        } else {
            Self::deserialize(config)
        };
        let config = read.map_err(|error| invalid(&error.to_string()))?;
        if !is_plain_path(&config.folder) {
            return Err(invalid(&format!(
                "`folder` is `{}`, which is no folder below the model path",
                config.folder
            ))
            .with_help(
                "name a folder such as `fal` or `generated/fal`, with `/` and without `..`",
            ));
        }
        Ok(config)
    }
}

/// Returns the JSON schema of the options.
pub fn config_schema() -> Value {
    schemars::schema_for!(StubConfig).to_value()
}

/// Whether a path stays below its start, on every operating system.
pub(crate) fn is_plain_path(path: &str) -> bool {
    let plain = |part: &str| {
        !matches!(part, "" | "." | "..")
            && !part.contains(|c: char| matches!(c, '\\' | ':') || c.is_control())
    };
    path.split('/').all(plain)
}

fn invalid(message: &str) -> PluginError {
    PluginError::new(
        "stub::config",
        format!("the options of the stub writer are wrong: {message}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_options_mean_the_defaults() {
        for config in [json!(null), json!({})] {
            assert_eq!(
                StubConfig::read(&config),
                Ok(StubConfig {
                    relation: Relation::This,
                    folder: "fal".to_owned()
                })
            );
        }
    }

    #[test]
    fn both_options_are_read() {
        let config = StubConfig::read(&json!({"relation": "target_schema", "folder": "gen/fal"}));
        assert_eq!(
            config,
            Ok(StubConfig {
                relation: Relation::TargetSchema,
                folder: "gen/fal".to_owned()
            })
        );
    }

    #[test]
    fn unknown_options_and_values_are_refused() {
        let message = |config| StubConfig::read(&config).unwrap_err().message;
        insta::assert_snapshot!(message(json!({"folders": "x"})), @"the options of the stub writer are wrong: unknown field `folders`, expected `relation` or `folder`");
        insta::assert_snapshot!(message(json!({"relation": "that"})), @"the options of the stub writer are wrong: unknown variant `that`, expected `this` or `target_schema`");
    }

    #[test]
    fn a_folder_cannot_leave_the_model_path() {
        for folder in [
            "", ".", "..", "/abs", "a/../..", "a//b", "fal/", "C:x", "a\\b", "a\nb",
        ] {
            assert!(
                StubConfig::read(&json!({ "folder": folder })).is_err(),
                "{folder:?}"
            );
        }
    }

    #[test]
    fn the_schema_names_both_options_and_their_defaults() {
        let schema = config_schema();
        assert_eq!(schema["properties"]["folder"]["default"], "fal");
        assert_eq!(schema["properties"]["relation"]["default"], "this");
        assert_eq!(schema["additionalProperties"], false);
    }
}
