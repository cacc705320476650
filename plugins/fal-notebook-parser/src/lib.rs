//! Notebook parser plugin for .ipynb.
//!
//! A notebook becomes one Python text in which every line corresponds to one line of a code cell.
//! Magics and shell lines become the calls of `get_ipython()` that IPython would make.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod assemble;
mod automagic;
mod call;
mod cell;
mod code;
mod config;
mod databricks;
mod diagnose;
mod docstring;
mod document;
mod escape;
mod fstring;
mod help;
mod kernel;
mod legacy;
mod lexer;
mod literal;
mod run_once;
mod sql;

pub use config::{config_schema, NotebookConfig};

use fal_plugin::{payload::NotebookAnalysis, NotebookParser, ParseError, PluginError};
use serde_json::Value;

/// Parses Jupyter notebooks.
#[derive(Clone, Debug)]
pub struct IpynbParser {
    config: NotebookConfig,
}

impl IpynbParser {
    /// Makes a parser with these options (see [`config_schema`]).
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

    /// Spans of a [`ParseError`] are places in the file; those in the analysis are places in its
    /// Python text.
    fn parse(&self, _path: &str, bytes: &[u8]) -> Result<NotebookAnalysis, ParseError> {
        let document =
            document::read(bytes).map_err(|diagnostic| ParseError::Syntax(Box::new(diagnostic)))?;
        Ok(assemble::assemble(&document, &self.config))
    }
}

fal_plugin::export_plugin! {
    description: "Reads Jupyter notebooks",
    config_schema: config_schema,
    notebook_parser: IpynbParser::new,
}
