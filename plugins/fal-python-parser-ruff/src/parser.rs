//! The stage: parses, lowers and analyses a file.

use fal_plugin::{payload::PythonAnalysis, ParseError, PluginError, PythonParser};
use fal_python_analysis::{analyse, check_config, syntax_error, with_stack, Lines, Newlines};
use ruff_python_parser::parse_module;

/// Parses Python with ruff_python_parser.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuffParser;

impl RuffParser {
    /// Makes the parser, which has no options.
    ///
    /// # Errors
    /// If there are options.
    pub fn new(config: &serde_json::Value) -> Result<Self, PluginError> {
        check_config("fal-python-parser-ruff", config)?;
        Ok(Self)
    }
}

impl PythonParser for RuffParser {
    fn parse(&self, _path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        with_stack(text, || {
            let newlines = Newlines::new(text);
            let parsed = parse_module(newlines.text()).map_err(|error| {
                let [start, end] = [error.location.start(), error.location.end()]
                    .map(|at| newlines.original(at.into()));
                syntax_error(&Lines::new(text), &error.error.to_string(), start, end)
            })?;
            Ok(analyse(
                text,
                &super::lower::lower(&newlines, parsed.suite()),
            ))
        })?
    }
}
