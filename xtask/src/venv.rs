//! Python environments with pinned requirements: `.venv` at the root of the repository, and further
//! ones.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::{At, Result, XtaskError},
    layout, program, python,
};

/// A virtual environment with the given requirements.
#[derive(Debug)]
pub(crate) struct Venv {
    folder: PathBuf,
}

/// Makes the environment or updates it, which is quick if it is current. It has the required
/// packages and may have more.
pub(crate) fn with(requirements: &str) -> Result<Venv> {
    within(layout::root().join(".venv"), requirements)
}

/// Makes the environment in another folder, for requirements that conflict with others.
pub(crate) fn within(folder: PathBuf, requirements: &str) -> Result<Venv> {
    let venv = Venv { folder };
    let file = layout::root().join(requirements);
    let wanted = fs::read_to_string(&file).at(&file)?;
    let marker = venv
        .folder
        .join(format!("xtask-{}", requirements.replace('/', "-")));
    if python::version(&venv.python()).is_some() {
        if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
            return Ok(venv);
        }
        // An environment that uv made has no pip, and uv may have been removed since then.
        if !uv() && !venv.has_pip() {
            venv.make()?;
        }
    } else {
        venv.make()?;
    }
    venv.install(&file)?;
    fs::write(&marker, wanted).at(&marker)?;
    Ok(venv)
}

impl Venv {
    /// Returns its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// Returns the path of one of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// Returns a folder for the search path that has uv but not the environment's Python, which
    /// tests start only by its path.
    pub(crate) fn tools(&self) -> Result<PathBuf> {
        let tools = self.folder.join("tools");
        fs::create_dir_all(&tools).at(&tools)?;
        let link = tools.join("uv");
        match std::os::unix::fs::symlink(self.program("uv"), &link) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error).at(&link),
            _ => Ok(tools),
        }
    }

    fn has_pip(&self) -> bool {
        let mut command = program::program(self.python(), layout::root());
        program::works(command.args(["-m", "pip", "--version"]))
    }

    /// Recreates it, empty.
    fn make(&self) -> Result<()> {
        let base = python::find()?;
        if uv() {
            let mut command = program::program("uv", layout::root());
            return program::run(
                command
                    .args(["venv", "--quiet", "--clear", "--python"])
                    .arg(base)
                    .arg(&self.folder),
            );
        }
        let mut command = program::program(&base, layout::root());
        command.args(["-m", "venv", "--clear"]).arg(&self.folder);
        program::tell(&format!("\n$ {}", program::shown(&command)));
        let made = program::attempt(&mut command)?;
        if made.status.success() {
            return Ok(());
        }
        let text = [made.stdout, made.stderr].concat();
        Err(XtaskError::NoVenv {
            python: base,
            output: String::from_utf8_lossy(&text).trim_end().to_owned(),
        })
    }

    fn install(&self, requirements: &Path) -> Result<()> {
        program::run(self.installer().arg("-r").arg(requirements))
    }

    /// Makes the command that installs into it, without the requirements. It compiles to bytecode
    /// as pip does: otherwise the first run of dbt takes twice as long.
    fn installer(&self) -> Command {
        if uv() {
            let mut command = program::program("uv", layout::root());
            let install = "pip install --quiet --compile-bytecode --python";
            command.args(install.split(' ')).arg(self.python());
            command
        } else {
            let mut command = program::program(self.python(), layout::root());
            let install = "-m pip install --quiet --disable-pip-version-check";
            command.args(install.split(' '));
            command
        }
    }
}

/// Whether uv is installed.
fn uv() -> bool {
    program::works(program::program("uv", layout::root()).arg("--version"))
}
