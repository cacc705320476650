//! Scripts and hooks: what schema files attach to models, global scripts, and the files themselves.
//!
//! A model's scripts stand under the keyword (`fal`) of its `meta`; dbt reads that, so [`node_scripts`] takes dbt's node.
//! Global scripts stand at the top level of schema files, which dbt passes over: [`global_scripts`] reads those files.
//! Where a Python model is to run, and on what, stands there too: [`node_placement`].
//! [`named_scripts`] reads all schema files before dbt does, as a script that lies among the models must get no stub.

mod entry;
mod environment;
mod global;
mod listed;
mod meta;
mod named;
mod place;
mod placement;
mod reader;
mod resources;
mod runners;

pub use entry::{NodeScripts, ScriptEntry, ScriptOwner};
pub use environment::{LOCAL, unknown_environment};
pub use global::{GlobalScripts, global_scripts};
pub use listed::script_problems;
pub use meta::node_scripts;
pub(crate) use named::named_scripts;
pub(crate) use placement::wrong_runner_name;
pub use placement::{Placement, node_placement, placement_problem};
pub use reader::{ScriptError, ScriptReader};
pub use runners::{NamedRunner, SchemaRunners, schema_runners};
