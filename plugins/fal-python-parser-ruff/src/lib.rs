//! Python parser plugin on ruff_python_parser: follows Python's newest grammar.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod lower;
mod parser;

pub use parser::RuffParser;

#[cfg(feature = "export")]
fal_plugin::export_plugin! {
    description: "Reads Python with ruff_python_parser, also newer grammar",
    python_parser: RuffParser::new,
}
