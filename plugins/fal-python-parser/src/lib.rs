//! Python parser plugin on rustpython-parser: fast to build, knows Python up to 3.11. Newer grammar
//! is a syntax error here, and the host asks the next parser of its chain.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod lower;

use fal_plugin::{payload::PythonAnalysis, ParseError, PluginError, PythonParser};
use fal_python_analysis::{analyse, check_config, syntax_error, with_stack, Lines, Newlines};
use rustpython_parser::{ast::Suite, Parse};

/// Parses Python with rustpython-parser.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustPythonParser;

impl RustPythonParser {
    /// Makes the parser, which has no options.
    ///
    /// # Errors
    /// If there are options.
    pub fn new(config: &serde_json::Value) -> Result<Self, PluginError> {
        check_config("fal-python-parser", config)?;
        Ok(Self)
    }
}

impl PythonParser for RustPythonParser {
    fn parse(&self, path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        with_stack(text, || {
            let newlines = Newlines::new(text);
            let body = Suite::parse(newlines.text(), path).map_err(|error| {
                let at = newlines.original(error.offset.into());
                syntax_error(&Lines::new(text), &error.error.to_string(), at, at)
            })?;
            Ok(analyse(text, &lower::lower(&newlines, &body)))
        })?
    }
}

fal_plugin::export_plugin! {
    description: "Reads Python with rustpython-parser",
    python_parser: RustPythonParser::new,
}
