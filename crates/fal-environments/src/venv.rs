//! Builds virtual environments with uv if it is installed, since it is much faster, else with
//! Python's own `venv` and pip.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use fal_files::Root;

use crate::{
    base::Base,
    definition::Definition,
    error::EnvironmentError,
    folder::Folder,
    imports,
    installer::Installer,
    program::{all_on_path, variable, working},
    requirement::NEEDED,
};

const FILE: &str = "fal-requirements.txt";

/// Builds a virtual environment.
pub(crate) fn build(
    definition: &Definition,
    base: &Base,
    folder: &Folder,
    installer: &Installer<'_>,
) -> Result<(), EnvironmentError> {
    let uv = working("uv");
    let python = interpreter(definition.python.as_deref(), base, uv.is_some())?;
    let path = folder.path();
    match &uv {
        Some(uv) => installer.run("uv venv", &uv_venv(uv, &python, &path))?,
        None => installer.run("python -m venv", &plain_venv(&python, &path))?,
    }
    let install = |more: Option<&str>| {
        let file = write(folder, definition, more)?;
        match &uv {
            Some(uv) => installer.run("uv pip install", &uv_install(uv, &folder.python(), &file)),
            None => installer.run("pip install", &plain_install(&folder.python(), &file)),
        }
    };
    install(None)?;
    imports::check_and_mend(definition, folder, installer, install)
}

fn uv_venv(uv: &Path, python: &Path, path: &Path) -> Command {
    let mut command = Command::new(uv);
    command
        .args(["venv", "--quiet", "--no-project", "--python"])
        .arg(python)
        .arg(path);
    command
}

fn uv_install(uv: &Path, python: &Path, file: &Path) -> Command {
    let mut command = Command::new(uv);
    command
        .args(["pip", "install", "--no-progress", "--python"])
        .arg(python)
        .arg("--requirement")
        .arg(file);
    command
}

fn plain_venv(python: &Path, path: &Path) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "venv"]).arg(path);
    command
}

fn plain_install(python: &Path, file: &Path) -> Command {
    let mut command = Command::new(python);
    // Don't compile bytecode, which takes half of pip's time. Python writes it when a module is
    // first imported, as with uv.
    command
        .args([
            "-m",
            "pip",
            "install",
            "--no-compile",
            "--progress-bar",
            "off",
            "--requirement",
        ])
        .arg(file);
    command
}

/// Writes the requirements file for the installer, with `more` in addition to the definition. The
/// file is kept for people to read.
fn write(
    folder: &Folder,
    definition: &Definition,
    more: Option<&str>,
) -> Result<PathBuf, EnvironmentError> {
    let file = folder.path().join(FILE);
    let written = Root::open(folder.path())
        .and_then(|root| root.write(FILE, lines(definition, more).as_bytes()));
    written.map_err(EnvironmentError::file("written", &file))?;
    Ok(file)
}

fn lines(definition: &Definition, more: Option<&str>) -> String {
    let wanted = &definition.requirements;
    let needed = NEEDED
        .iter()
        .filter(|name| !wanted.name(name))
        .copied()
        .chain(more);
    let lines = wanted
        .options
        .iter()
        .chain(&wanted.lines)
        .map(String::as_str)
        .chain(needed);
    lines.map(|line| format!("{line}\n")).collect()
}

/// Returns the interpreter to build with. If none is found, returns the version for uv, which
/// searches more places and may download one.
fn interpreter(
    asked: Option<&str>,
    base: &Base,
    with_uv: bool,
) -> Result<PathBuf, EnvironmentError> {
    let Some(asked) = asked else {
        return Ok(base.python.clone());
    };
    if base.is(asked) {
        return Ok(base.python.clone());
    }
    let found = candidates(asked)
        .into_iter()
        .find(|python| Base::from_interpreter(python).is_ok_and(|found| found.is(asked)));
    match found {
        Some(python) => Ok(python),
        None if with_uv => Ok(PathBuf::from(asked)),
        None => Err(EnvironmentError::NoPython {
            asked: asked.to_owned(),
        }),
    }
}

/// Returns programs on the path that may have the version, then those of pyenv, whose shims on the
/// path work for one version only.
fn candidates(asked: &str) -> Vec<PathBuf> {
    let minor = asked.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    let mut found = all_on_path(&format!("python{minor}"));
    found.extend(all_on_path("python3"));
    let home = variable("HOME").map(|home| PathBuf::from(home).join(".pyenv"));
    if let Some(root) = variable("PYENV_ROOT").map(PathBuf::from).or(home) {
        let versions = fs::read_dir(root.join("versions"))
            .into_iter()
            .flatten()
            .flatten();
        let mut pythons: Vec<_> = versions
            .map(|version| version.path().join("bin").join("python"))
            .collect();
        pythons.retain(|python| {
            python.exists() && python.to_string_lossy().contains(&format!("/{minor}"))
        });
        pythons.sort_unstable();
        found.extend(pythons.into_iter().rev());
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec};

    use super::*;
    use crate::base::{self, stand_in};

    fn words(command: &Command) -> String {
        base::words(command).join(" ")
    }

    #[test]
    fn the_command_lines() {
        let (python, path, file) = (Path::new("/py"), Path::new("/e"), Path::new("/e/r.txt"));
        insta::assert_snapshot!(words(&uv_venv(Path::new("uv"), python, path)), @"uv venv --quiet --no-project --python /py /e");
        insta::assert_snapshot!(words(&uv_install(Path::new("uv"), python, file)), @"uv pip install --no-progress --python /py --requirement /e/r.txt");
        insta::assert_snapshot!(words(&plain_venv(python, path)), @"/py -m venv /e");
        insta::assert_snapshot!(words(&plain_install(python, file)), @"/py -m pip install --no-compile --progress-bar off --requirement /e/r.txt");
    }

    #[test]
    fn what_the_worker_needs_is_added_unless_it_is_required() {
        let folder = tempfile::tempdir().unwrap();
        let spec = EnvironmentSpec {
            name: "e".into(),
            kind: EnvironmentKind::Venv,
            requirements: vec!["six".into(), "PyArrow<20".into(), "-i https://i".into()],
            python: None,
        };
        let definition = Definition::read(&spec, folder.path()).unwrap();
        assert_eq!(
            lines(&definition, None),
            "--index-url https://i\npyarrow<20\nsix\npandas\n"
        );
        assert_eq!(
            lines(&definition, Some("x<2")),
            "--index-url https://i\npyarrow<20\nsix\npandas\nx<2\n"
        );
    }

    #[test]
    fn the_default_interpreter_serves_its_own_version() {
        let base = stand_in("3.11.7");
        assert_eq!(
            interpreter(Some("3.11"), &base, false).unwrap(),
            base.python
        );
        assert_eq!(interpreter(None, &base, false).unwrap(), base.python);
        assert_eq!(
            interpreter(Some("3.99"), &base, true).unwrap(),
            Path::new("3.99")
        );
        assert!(matches!(
            interpreter(Some("3.99"), &base, false),
            Err(EnvironmentError::NoPython { .. })
        ));
    }
}
