//! `fal-host setup`: a virtual environment with dbt, the project's adapter and what Python models need.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use fal_project::{DbtProject, Profile, ProjectOptions};

use crate::{args::SetupArgs, context::Context, error::CliError, exit::Ended};

pub(super) fn setup(context: &Context, args: &SetupArgs) -> Result<Ended, CliError> {
    let global = &context.global;
    let options = ProjectOptions {
        project_dir: global.project_dir.clone(),
        ..ProjectOptions::default()
    };
    let project = DbtProject::find(&options)?;
    let adapter = match &args.adapter {
        Some(adapter) => adapter.clone(),
        None => adapter_of_profile(context, &project)?,
    };
    let venv = args
        .venv
        .clone()
        .unwrap_or_else(|| project.root.join(".venv"));
    let packages = packages(&project, &adapter, args);
    context.output.status(&format!(
        "Installing {} into {}",
        packages.join(" "),
        venv.display()
    ));
    let installer = Installer::choose(global.python.as_deref());
    if !python_of(&venv).exists() {
        run(installer.create(&venv))?;
    }
    run(installer.install(&venv, &packages))?;
    context.output.status(&format!(
        "Ready: {}. Next: fal-host run",
        python_of(&venv).display()
    ));
    Ok(Ended::Well)
}

fn adapter_of_profile(context: &Context, project: &DbtProject) -> Result<String, CliError> {
    let global = &context.global;
    let (profile, target) = (global.profile.as_deref(), global.target.as_deref());
    let found = Profile::find(project, global.profiles_dir.as_deref(), profile, target)?;
    found
        .and_then(|profile| profile.adapter)
        .ok_or_else(|| CliError::Usage {
            message: "no profile says which adapter this project needs".to_owned(),
            help: Some("name it: `fal-host setup --adapter duckdb`".to_owned()),
        })
}

/// Arguments for the installer. Everything in one call, so that the versions are solved together.
fn packages(project: &DbtProject, adapter: &str, args: &SetupArgs) -> Vec<String> {
    let mut packages = vec![
        format!("dbt-core=={}.*", args.dbt),
        format!("dbt-{adapter}"),
        "pandas".to_owned(),
        "pyarrow".to_owned(),
    ];
    if args.dbt.split('.').count() > 2 {
        packages[0] = format!("dbt-core=={}", args.dbt);
    }
    let own = project.root.join("requirements.txt");
    let requirements = args
        .requirements
        .clone()
        .or_else(|| own.is_file().then_some(own));
    if let Some(file) = requirements {
        packages.extend(["-r".to_owned(), file.display().to_string()]);
    }
    packages
}

fn python_of(venv: &Path) -> PathBuf {
    if cfg!(windows) {
        venv.join("Scripts").join("python.exe")
    } else {
        venv.join("bin").join("python")
    }
}

/// uv where it is there, as it is much faster; otherwise what every Python has.
enum Installer {
    Uv { python: Option<PathBuf> },
    Pip { python: PathBuf },
}

impl Installer {
    fn choose(python: Option<&Path>) -> Self {
        if on_path("uv") {
            return Self::Uv {
                python: python.map(Path::to_owned),
            };
        }
        Self::Pip {
            python: python.map_or_else(|| PathBuf::from("python3"), Path::to_owned),
        }
    }

    fn create(&self, venv: &Path) -> Command {
        match self {
            Self::Uv { python } => {
                let mut command = Command::new("uv");
                command.arg("venv").arg("--quiet").arg(venv);
                if let Some(python) = python {
                    command.arg("--python").arg(python);
                }
                command
            }
            Self::Pip { python } => {
                let mut command = Command::new(python);
                command.args(["-m", "venv"]).arg(venv);
                command
            }
        }
    }

    fn install(&self, venv: &Path, packages: &[String]) -> Command {
        let python = python_of(venv);
        let mut command = match self {
            Self::Uv { .. } => {
                let mut command = Command::new("uv");
                command.args(["pip", "install", "--python"]).arg(python);
                command
            }
            Self::Pip { .. } => {
                let mut command = Command::new(python);
                command.args(["-m", "pip", "install", "--disable-pip-version-check"]);
                command
            }
        };
        command.args(packages);
        command
    }
}

fn on_path(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

fn run(mut command: Command) -> Result<(), CliError> {
    let line = [command.get_program()]
        .into_iter()
        .chain(command.get_args())
        .map(OsStr::to_string_lossy);
    let line = line.collect::<Vec<_>>().join(" ");
    let failed = |why: String| {
        CliError::Program {
        message: format!("`{line}` {why}"),
        help: Some(
            "its own output above says why; on Debian, `python3 -m venv` needs the package python3-venv".to_owned(),
        ),
    }
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("ended with {status}"))),
        Err(cause) => Err(failed(format!("could not be started: {cause}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(dbt: &str) -> SetupArgs {
        SetupArgs {
            adapter: None,
            dbt: dbt.to_owned(),
            requirements: None,
            venv: None,
        }
    }

    #[test]
    fn a_minor_version_takes_its_newest_patch() {
        let project = DbtProject::default();
        assert_eq!(
            packages(&project, "duckdb", &args("1.11"))[..2],
            ["dbt-core==1.11.*", "dbt-duckdb"]
        );
        assert_eq!(
            packages(&project, "postgres", &args("1.10.4"))[..2],
            ["dbt-core==1.10.4", "dbt-postgres"]
        );
    }

    #[test]
    fn requirements_are_installed_in_the_same_call() {
        let requirements = Some(PathBuf::from("extra.txt"));
        let packages = packages(
            &DbtProject::default(),
            "duckdb",
            &SetupArgs {
                requirements,
                ..args("1.11")
            },
        );
        assert_eq!(packages[4..], ["-r", "extra.txt"]);
    }
}
