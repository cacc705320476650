//! Builds conda environments with whichever of conda's programs is installed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    base::Base,
    definition::Definition,
    error::EnvironmentError,
    folder::Folder,
    imports,
    installer::Installer,
    program::{is_program, variable, working},
    requirement::{NEEDED, conda_name},
};

const ON_PATH: [&str; 3] = ["conda", "mamba", "micromamba"];

/// Builds a conda environment.
pub(crate) fn build(
    definition: &Definition,
    base: &Base,
    folder: &Folder,
    installer: &Installer<'_>,
) -> Result<(), EnvironmentError> {
    let home = variable("FAL_CONDA_HOME").map(PathBuf::from);
    let program = find(home.as_deref())?;
    let name = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    installer.run(
        &format!("{name} create"),
        &create(&program, definition, base, &folder.path()),
    )?;
    imports::check(folder, installer)
}

fn find(home: Option<&Path>) -> Result<PathBuf, EnvironmentError> {
    if let Some(home) = home {
        // Accept the folder of the program too: legacy fal expected that folder here instead of the
        // installation's.
        let programs = [home.join("bin").join("conda"), home.join("conda")];
        let looked = || {
            format!(
                "FAL_CONDA_HOME names {}, which has no program bin/conda or conda",
                home.display()
            )
        };
        let found = programs.into_iter().find(|program| is_program(program));
        return found.ok_or_else(|| EnvironmentError::NoConda { looked: looked() });
    }
    let looked = || {
        format!(
            "FAL_CONDA_HOME is not set, and none of {} is on PATH",
            ON_PATH.join(", ")
        )
    };
    ON_PATH
        .iter()
        .find_map(|name| working(name))
        .ok_or_else(|| EnvironmentError::NoConda { looked: looked() })
}

fn create(program: &Path, definition: &Definition, base: &Base, path: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .args(["create", "--yes", "--quiet", "--prefix"])
        .arg(path);
    if program.file_name().is_some_and(|name| name == "micromamba") {
        // micromamba has no default channel.
        command.args(["--channel", "conda-forge"]);
    }
    let lines = &definition.requirements.lines;
    let has = |name: &str| lines.iter().any(|line| conda_name(line) == name);
    if let Some(asked) = &definition.python {
        command.arg(format!("python={asked}"));
    } else if !has("python") {
        command.arg(format!("python={}", base.minor()));
    }
    command
        .args(lines)
        .args(NEEDED.iter().filter(|name| !has(name)));
    command
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec};

    use super::*;
    use crate::base::{self, stand_in};

    fn words(program: &str, lines: &[&str], python: Option<&str>) -> String {
        let spec = EnvironmentSpec {
            name: "e".into(),
            kind: EnvironmentKind::Conda,
            requirements: lines.iter().map(|line| (*line).to_owned()).collect(),
            python: python.map(str::to_owned),
        };
        let definition = Definition::read(&spec, Path::new("/")).unwrap();
        let command = create(
            Path::new(program),
            &definition,
            &stand_in("3.11.7"),
            Path::new("/e"),
        );
        base::words(&command).join("|")
    }

    #[test]
    fn the_command_lines() {
        insta::assert_snapshot!(words("/c/bin/conda", &["prophet=1.1", "conda-forge::pandas"], None), @"/c/bin/conda|create|--yes|--quiet|--prefix|/e|python=3.11|conda-forge::pandas|prophet=1.1|pyarrow");
        insta::assert_snapshot!(words("micromamba", &["python  >=3.10", "pyarrow"], None), @"micromamba|create|--yes|--quiet|--prefix|/e|--channel|conda-forge|pyarrow|python >=3.10|pandas");
        insta::assert_snapshot!(words("mamba", &[], Some("3.12")), @"mamba|create|--yes|--quiet|--prefix|/e|python=3.12|pandas|pyarrow");
    }

    #[test]
    fn a_home_without_conda_is_reported() {
        insta::assert_snapshot!(find(Some(Path::new("/nowhere"))).unwrap_err(), @"no conda was found: FAL_CONDA_HOME names /nowhere, which has no program bin/conda or conda");
    }

    #[test]
    fn the_home_is_the_installation_or_the_folder_of_its_program() {
        use std::{fs, os::unix::fs::PermissionsExt};

        let installation = tempfile::tempdir().unwrap();
        let bin = installation.path().join("bin");
        let conda = bin.join("conda");
        fs::create_dir(&bin).unwrap();
        fs::write(&conda, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&conda, fs::Permissions::from_mode(0o755)).unwrap();
        for home in [installation.path(), &bin] {
            assert_eq!(find(Some(home)).unwrap(), conda);
        }
    }
}
