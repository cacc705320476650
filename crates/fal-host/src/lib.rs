//! Loads the plugins, builds the graph, runs it.

pub mod plugins;
