//! A dbt project on disk: configuration, discovery of models, stubs, `.dbtignore`.
//!
//! Needs neither dbt nor Python, and does not know how the plugins that it asks were loaded:
//!
//! ```no_run
//! use fal_project::{DbtProject, FalProject, GenerateOptions, ProjectOptions, Stages, generate};
//! # fn stages<'a>(_: &FalProject) -> Stages<'a> { unimplemented!() }
//! let project = DbtProject::find(&ProjectOptions::default())?;
//! let settings = FalProject::read(&project.root)?;
//! let stages: Stages<'_> = stages(&settings);
//! let generated = generate(&project, &stages, GenerateOptions::default())?;
//! for model in &generated.models {
//!     let _ = (&model.name, &model.stub_path, model.python_model(), model.work()?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What holds at any moment, also when a run is killed:
//! - A file with an error has its stub left as it is. Unless [`GenerateOptions::keep_going`] is
//!   set, an error in any file means that nothing is written: contents and times of all files stay.
//! - A file that fal-host did not write, or that was edited since then, is never replaced or
//!   removed.
//! - Each stub on disk is whole, and written only when its bytes change.
//! - The user's lines around the generated block of `.dbtignore` stay byte for byte.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod analysis;
mod cache;
mod cells;
mod codecs;
mod config;
mod dbtignore;
mod diagnostics;
mod discover;
mod error;
mod fingerprint;
mod generate;
mod helpers;
mod job;
mod model;
mod model_names;
mod packages;
mod references;
mod roots;
mod schemas;
mod scripts;
mod stages;
mod stubs;
mod switched_off;
#[cfg(test)]
mod testing;
mod text;
mod wrong;

pub use cells::NotebookText;
pub use config::{
    DbtProject, FalProject, IsolateSetting, PluginSettings, Profile, ProjectOptions, Route,
    RunnerSpec, project_flags,
};
pub use diagnostics::{Excerpt, FileDiagnostic};
pub use error::{GenerateError, ProjectError};
pub use generate::{GenerateOptions, Generated, generate};
pub use model::ModelFile;
pub use model_names::refused_names;
pub use references::{KnownNames, Missing, SqlRef, sql_refs, unknown, unknown_references};
pub use scripts::{
    GlobalScripts, LOCAL, NamedRunner, NodeScripts, Placement, SchemaRunners, ScriptEntry,
    ScriptError, ScriptOwner, ScriptReader, global_scripts, node_placement, node_scripts,
    placement_problem, schema_runners, script_problems, unknown_environment,
};
pub use stages::Stages;
pub use wrong::{WrongFile, all_problems};
