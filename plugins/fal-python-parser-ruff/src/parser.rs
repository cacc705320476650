//! The plugin: parses, lowers, analyses.

use fal_plugin::{payload::PythonAnalysis, ParseError, PluginError, PythonParser};
use fal_python_analysis::{analyse, check_config, syntax_error, with_stack, Lines};
use ruff_python_parser::parse_module;

/// Parses Python with ruff_python_parser.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuffParser;

impl RuffParser {
    /// The parser. It has no options.
    ///
    /// # Errors
    /// If options are given all the same.
    pub fn new(config: &serde_json::Value) -> Result<Self, PluginError> {
        check_config("fal-python-parser-ruff", config)?;
        Ok(Self)
    }
}

impl PythonParser for RuffParser {
    fn parse(&self, _path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        with_stack(text, || {
            let parsed = parse_module(text).map_err(|error| {
                let (start, end) = (u32::from(error.location.start()), u32::from(error.location.end()));
                syntax_error(&Lines::new(text), &error.error.to_string(), start, end)
            })?;
            Ok(analyse(text, &crate::lower::lower(text, parsed.suite())))
        })?
    }
}
