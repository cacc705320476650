//! A plugin that does nothing, so that the time of a call is the overhead of the plugin interface.
//! Built as a library by `cargo xtask bench --only door`.

use fal_plugin::{
    payload::{FileKind, PythonAnalysis, WriteCount},
    ParseError, PythonParser,
};

struct Echo;

impl PythonParser for Echo {
    fn parse(&self, _path: &str, _text: &str) -> Result<PythonAnalysis, ParseError> {
        Ok(PythonAnalysis {
            kind: FileKind::Helper,
            docstring: None,
            dependencies: Vec::new(),
            unresolved: Vec::new(),
            writes: Vec::new(),
            write_count: WriteCount::default(),
            imports: Vec::new(),
            diagnostics: Vec::new(),
        })
    }
}

fal_plugin::export_plugin! {
    description: "Does nothing",
    python_parser: |_config| Ok(Echo),
}
