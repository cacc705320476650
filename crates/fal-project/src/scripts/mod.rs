//! Scripts and hooks: what schema files attach to models, global scripts, and the files themselves.
//!
//! A model's scripts are under the keyword (`fal`) of its `meta`, which dbt reads: [`node_scripts`]
//! takes dbt's node. Global scripts are at the top level of schema files, which dbt ignores:
//! [`global_scripts`] reads those files. The runner and resources of a Python model are under the
//! keyword too: [`node_placement`]. [`named_scripts`] reads all schema files before dbt does,
//! because a script among the models must not get a stub.

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
