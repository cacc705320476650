//! A Python parser for fal-host: the parser that ships with it, and one additional rule.
//!
//! fal-host never runs a model to learn what it reads: a parser finds that in the text. This one
//! also knows a convention, a comment on a line by itself
//!
//! ```py
//! # reads: orders, customers
//! ```
//!
//! that names dependencies that the code does not show. [`RuffParser`] does everything else:
//! Python's grammar, `ref` and `source` in the code, and how often each path through the file
//! writes. So the plugin passes the contract of the stage, which covers all of that, from the
//! start.

use fal_plugin::{
    payload::{
        Dependency, DependencyKind, DependencyOrigin, FileKind, Position, PythonAnalysis, Span,
    },
    ParseError, PluginError, PythonParser,
};
use fal_python_parser_ruff::RuffParser;
use serde_json::{json, Value};

/// The stage, with its options.
pub struct HouseParser {
    python: RuffParser,
    keyword: String,
}

impl HouseParser {
    /// Reads the options: the mapping in `fal_project.yml` under `plugins: config: my-plugin:`, or
    /// `null`. fal-host has checked them against [`config_schema`].
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        let keyword = config["keyword"].as_str().unwrap_or("reads");
        Ok(Self {
            python: RuffParser,
            keyword: format!("# {keyword}:"),
        })
    }

    /// Returns the names after the keyword, each with its offset.
    fn named<'a>(&self, text: &'a str) -> Vec<(&'a str, usize)> {
        let mut found = Vec::new();
        let mut start = 0; // of the line, in bytes
        for line in text.split_inclusive('\n') {
            if let Some(names) = line.strip_prefix(self.keyword.as_str()) {
                let mut at = start + self.keyword.len();
                for name in names.split(',') {
                    let before = name.len() - name.trim_start().len();
                    if !name.trim().is_empty() {
                        found.push((name.trim(), at + before));
                    }
                    at += name.len() + 1;
                }
            }
            start += line.len();
        }
        found
    }
}

/// Returns the JSON schema of the options.
pub fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "keyword": {
                "description": "Word that begins a comment with names of models",
                "type": "string",
                "pattern": "^[a-z]+$"
            }
        },
        "additionalProperties": false
    })
}

impl PythonParser for HouseParser {
    fn parse(&self, path: &str, text: &str) -> Result<PythonAnalysis, ParseError> {
        let mut analysis = self.python.parse(path, text)?;
        // Helpers and dbt's own Python models have no stub, so skip them.
        if analysis.kind == FileKind::Script {
            let dependencies = self
                .named(text)
                .into_iter()
                .map(|(name, at)| dependency(text, name, at));
            analysis.dependencies.extend(dependencies);
        }
        Ok(analysis)
    }
}

fn dependency(text: &str, name: &str, at: usize) -> Dependency {
    Dependency {
        kind: DependencyKind::Ref,
        // The text in the stub, between braces. Both Python and Jinja can read the literal.
        text: format!("ref('{}')", name.escape_default()),
        args: vec![name.to_owned()],
        version: None,
        origin: DependencyOrigin::Code,
        span: span(text, at, at + name.len()),
    }
}

/// Returns a span in bytes, and in lines and columns from 1, as editors show them.
fn span(text: &str, start: usize, end: usize) -> Span {
    let position = |at: usize| {
        let before = &text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let (line, column) = (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        );
        Position {
            line: line as u32,
            column: column as u32,
        }
    };
    Span {
        start: start as u32,
        end: end as u32,
        from: position(start),
        to: position(end),
    }
}

fal_plugin::export_plugin! {
    description: "Reads Python models by the rules of our house",
    config_schema: config_schema,
    python_parser: HouseParser::new,
}
