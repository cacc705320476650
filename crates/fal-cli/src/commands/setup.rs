//! `fal-host setup`: a virtual environment with dbt, the project's adapter and what Python models need.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use fal_files::Root;
use fal_project::{DbtProject, Profile, ProjectOptions};

use crate::{args::SetupArgs, context::Context, error::CliError, exit::Ended};

/// The newest dbt-core 1.x that the tests ran over. It requires a package that only uv leaves out.
const DBT_BY_UV: &str = "1.12";
/// The newest one that every installer installs.
const DBT: &str = "1.11";
/// The dbt 2 that the tests ran over.
const DBT_2: &str = "2.0.0a4";
/// dbt-core 1.12 requires it for `--use-v2-parser` alone, and it does not exist for every machine.
const OVERRIDES: &str = "dbt-core-experimental-parser; sys_platform == \"never\"\n";
const OVERRIDES_FILE: &str = "fal-host-overrides.txt";
/// What the process that serves Python models needs beside dbt 2, which brings no Python.
const BESIDE_DBT_2: &[&str] = &["pyyaml", "jinja2"];

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
    let installer = Installer::choose(global.python.as_deref());
    let version = args.dbt.as_deref().unwrap_or(installer.newest());
    let packages = packages(&project, &adapter, version, args);
    if is_dbt_2(version) {
        context.output.status(&format!(
            "Warning: fal-host was tested with dbt {DBT_2} alone, a release before the final ones, \
             on DuckDB; no final release of dbt 2 was ever run with it"
        ));
    }
    context.output.status(&format!(
        "Installing {} into {}",
        packages.join(" "),
        venv.display()
    ));
    if !python_of(&venv).exists() {
        run(installer.create(&venv))?;
    }
    let mut install = installer.install(&venv, &packages);
    if matches!(installer, Installer::Uv { .. }) && version.starts_with(DBT_BY_UV) {
        let file = venv.join(OVERRIDES_FILE);
        let root = Root::open(&venv);
        let written = root.and_then(|root| root.write(OVERRIDES_FILE, OVERRIDES.as_bytes()));
        written.map_err(|cause| CliError::Program {
            message: format!("{} cannot be written: {cause}", file.display()),
            help: None,
        })?;
        install.arg("--override").arg(file);
    }
    run(install)?;
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
fn packages(project: &DbtProject, adapter: &str, version: &str, args: &SetupArgs) -> Vec<String> {
    let mut packages = vec![dbt(version)];
    if is_dbt_2(version) {
        packages.extend(BESIDE_DBT_2.iter().copied().map(str::to_owned));
        let driver = match adapter {
            // What a newer DuckDB writes, the one that dbt 2 loads may not read.
            "duckdb" => Some("duckdb<2"),
            "postgres" => Some("adbc-driver-postgresql"),
            _ => None,
        };
        packages.extend(driver.map(str::to_owned));
    } else {
        packages.push(format!("dbt-{adapter}"));
    }
    packages.extend(["pandas", "pyarrow"].map(str::to_owned));
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

/// Returns the package of a version: `1.11` and `1.11.4`, `2` and an exact version of dbt 2, or a
/// package with its version, which is taken as it is.
fn dbt(version: &str) -> String {
    if version.contains('=') {
        return version.to_owned();
    }
    let is_final = version.chars().all(|c| c.is_ascii_digit() || c == '.');
    match version.split('.').count() {
        1 if version == "2" => format!("dbt-core=={DBT_2}"),
        // Final releases of dbt 2 have another name than those before.
        3.. if is_dbt_2(version) && is_final => format!("dbt=={version}"),
        3.. => format!("dbt-core=={version}"),
        _ => format!("dbt-core=={version}.*"),
    }
}

fn is_dbt_2(version: &str) -> bool {
    let number = version.rsplit('=').next().unwrap_or_default();
    number.split('.').next() == Some("2")
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

    /// Returns the version of dbt-core that is installed unless the user names one.
    fn newest(&self) -> &'static str {
        match self {
            Self::Uv { .. } => DBT_BY_UV,
            Self::Pip { .. } => DBT,
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

    fn of(adapter: &str, version: &str, requirements: Option<PathBuf>) -> String {
        let args = SetupArgs {
            adapter: None,
            dbt: None,
            requirements,
            venv: None,
        };
        packages(&DbtProject::default(), adapter, version, &args).join(" ")
    }

    #[test]
    fn a_version_is_a_package_with_what_it_needs_beside_it() {
        for (adapter, version, expected) in [
            (
                "duckdb",
                "1.11",
                "dbt-core==1.11.* dbt-duckdb pandas pyarrow",
            ),
            (
                "postgres",
                "1.10.4",
                "dbt-core==1.10.4 dbt-postgres pandas pyarrow",
            ),
            (
                "duckdb",
                "2",
                "dbt-core==2.0.0a4 pyyaml jinja2 duckdb<2 pandas pyarrow",
            ),
            (
                "duckdb",
                "2.0.9",
                "dbt==2.0.9 pyyaml jinja2 duckdb<2 pandas pyarrow",
            ),
            (
                "postgres",
                "2.0.0a4",
                "dbt-core==2.0.0a4 pyyaml jinja2 adbc-driver-postgresql pandas pyarrow",
            ),
            (
                "snowflake",
                "dbt==2.0.0rc196",
                "dbt==2.0.0rc196 pyyaml jinja2 pandas pyarrow",
            ),
        ] {
            assert_eq!(of(adapter, version, None), expected, "{version}");
        }
    }

    #[test]
    fn requirements_are_installed_in_the_same_call() {
        let packages = of("duckdb", "1.11", Some(PathBuf::from("extra.txt")));
        assert!(packages.ends_with(" -r extra.txt"), "{packages}");
    }

    #[test]
    fn without_a_version_the_newest_that_was_tested_and_that_the_installer_can_install() {
        let pip = Installer::Pip {
            python: "python3".into(),
        };
        let newest = [Installer::Uv { python: None }.newest(), pip.newest()];
        assert_eq!(newest, ["1.12", "1.11"]);
    }
}
