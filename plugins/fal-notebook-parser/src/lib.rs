//! Notebook parser plugin for .ipynb.
//!
//! A notebook becomes one Python text in which every line stands for one line of a code cell. Magics and shell lines
//! become the calls of `get_ipython()` that IPython itself would make of them.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod assemble;
mod automagic;
mod call;
mod cell;
mod cell_magic;
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
mod parser;
mod run_once;
mod source;
mod sql;

pub use config::{config_schema, NotebookConfig};
pub use parser::IpynbParser;

fal_plugin::export_plugin! {
    description: "Reads Jupyter notebooks",
    config_schema: config_schema,
    notebook_parser: IpynbParser::new,
}
