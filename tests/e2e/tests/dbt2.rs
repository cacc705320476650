//! Runs over dbt 2, and the same over dbt-core 1.11.

mod alike;
mod run_hooks;
mod runs;

use std::process::Command;

use Engine::{Commands, Dbt2, Inside};
use fal_e2e::{Project, dbt2_folder, dbt2_python};

/// What runs the nodes of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// dbt-core 1.11 from the inside.
    Inside,
    /// dbt-core 1.11 by its commands.
    Commands,
    /// dbt 2 by its commands.
    Dbt2,
}

impl Engine {
    /// Returns `fal-host ARGS` on this engine.
    fn host(self, project: &Project, args: &str) -> Command {
        let mut command = project.host_with_dbt(args);
        match self {
            Inside => {}
            Commands => drop(command.env("FAL_HOST_DBT_ENGINE", "commands")),
            Dbt2 => {
                command
                    .env("FAL_HOST_PYTHON", dbt2_python())
                    .env("DBT_ALLOW_EXPERIMENTAL_ADAPTERS", "true")
                    // dbt 2 finds PostgreSQL's driver there.
                    .env("XDG_CACHE_HOME", dbt2_folder().join("cache"));
            }
        }
        command
    }
}
