//! Errors that plugins return.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An error that a plugin answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{message}")]
pub struct PluginError {
    /// Stable code such as `dbt::parse`, `python::not_found`.
    pub code: String,
    /// What went wrong: for the user, may have several lines.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub help: Option<String>,
}

impl PluginError {
    /// Returns an error with its code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            help: None,
        }
    }

    /// Adds help: what the user can do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
