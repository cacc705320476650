//! The project's YAML files.

mod dbt_project;
mod env_var;
mod fal_project;
mod keys;
mod plugin_limits;
mod profiles;
#[cfg(test)]
mod reference;
mod routes;
mod runners;
mod source;
pub(crate) mod yaml;

pub use dbt_project::{DbtProject, ProjectOptions, project_flags};
pub use fal_project::{FalProject, PluginSettings};
pub use plugin_limits::IsolateSetting;
pub use profiles::Profile;
pub use routes::Route;
pub use runners::RunnerSpec;

pub(crate) use dbt_project::STUB_FOLDERS;
