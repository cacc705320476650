//! The stage: reads `.ipynb` files.

use fal_plugin::{payload::NotebookAnalysis, NotebookParser, ParseError, PluginError};
use serde_json::Value;

use crate::{assemble, config::NotebookConfig, document};

/// Parses Jupyter notebooks.
#[derive(Clone, Debug)]
pub struct IpynbParser {
    config: NotebookConfig,
}

impl IpynbParser {
    /// A parser with these options (see [`config_schema`](crate::config_schema)).
    ///
    /// # Errors
    /// If an option is unknown or its value wrong.
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        Ok(Self {
            config: NotebookConfig::read(config)?,
        })
    }
}

impl NotebookParser for IpynbParser {
    fn extensions(&self) -> Vec<String> {
        vec!["ipynb".to_owned()]
    }

    /// Spans of a [`ParseError`] are places in the file; those in the analysis are places in its Python text.
    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let document =
            document::read(bytes).map_err(|diagnostic| ParseError::Syntax(Box::new(diagnostic)))?;
        Ok(assemble::assemble(&document, &self.config))
    }
}
