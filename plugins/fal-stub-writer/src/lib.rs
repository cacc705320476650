//! Stub writer plugin: ephemeral SQL stubs with a checksum guard.
//!
//! A stub is what dbt sees of a Python model: an ephemeral model whose Jinja comment names the
//! dependencies. A checksum in it tells whether someone edited it, so that a user's work is never
//! overwritten.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod checksum;
mod config;
mod dependency;
mod layout;
mod location;
mod render;
mod writer;

pub use config::{config_schema, Relation, StubConfig};
pub use writer::SqlStubWriter;

fal_plugin::export_plugin! {
    description: "Writes ephemeral SQL stubs with a checksum",
    config_schema: config_schema,
    stub_writer: SqlStubWriter::new,
}
