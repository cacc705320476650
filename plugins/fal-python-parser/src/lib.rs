//! Python parser plugin on rustpython-parser: fast to build, knows Python up to 3.11. Newer grammar is a syntax error
//! here, upon which the host asks the next parser of its chain.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod lower;
mod parser;

pub use parser::RustPythonParser;

fal_plugin::export_plugin! {
    description: "Reads Python with rustpython-parser",
    python_parser: RustPythonParser::new,
}
