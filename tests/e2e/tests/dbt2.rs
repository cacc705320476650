//! Runs over dbt 2, and the same over dbt-core 1.11.

mod alike;
mod macros;
mod run_hooks;
mod runs;
mod selection;
mod show;
mod telemetry;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use Engine::{Commands, Dbt2, Inside, LaterDbt2};
use fal_e2e::{Project, dbt2_folder, dbt2_python, workspace};

/// What runs the nodes of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    /// dbt-core 1.11 from the inside.
    Inside,
    /// dbt-core 1.11 by its commands.
    Commands,
    /// dbt 2 by its commands.
    Dbt2,
    /// The same, with its output in the form of later builds.
    LaterDbt2,
}

impl Engine {
    /// Returns `fal-host ARGS` on this engine.
    fn host(self, project: &Project, args: &str) -> Command {
        let mut command = project.host_with_dbt(args);
        match self {
            Inside => {}
            Commands => drop(command.env("FAL_HOST_DBT_ENGINE", "commands")),
            Dbt2 | LaterDbt2 => {
                command
                    .env("FAL_HOST_PYTHON", dbt2_python())
                    .env("DBT_ALLOW_EXPERIMENTAL_ADAPTERS", "true")
                    // dbt 2 finds PostgreSQL's driver there.
                    .env("XDG_CACHE_HOME", dbt2_folder().join("cache"));
            }
        }
        if self == LaterDbt2 {
            command.env("FAL_HOST_DBT", later_form(project));
        }
        command
    }
}

/// Writes a program that is dbt 2 with its output in the form of later builds.
fn later_form(project: &Project) -> PathBuf {
    let (python, program) = (dbt2_python(), project.home().join("bin/later/dbt"));
    let filter = workspace().join("tests/e2e/tests/dbt2/later_form.py");
    let text = format!(
        "#!/bin/sh\nexec '{}' '{}' \"$@\"\n",
        python.display(),
        filter.display()
    );
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}
