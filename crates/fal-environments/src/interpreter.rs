//! Finds the Python that has the user's dbt.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use fal_plugin::PluginError;

use crate::program::{is_program, variable};

/// Why no interpreter was found.
const PYTHON_NOT_FOUND: &str = "python::not_found";

/// The places to search. The environment is a function, so that tests can replace it.
pub(crate) struct Search<'a> {
    named: Option<&'a Path>,
    project_dir: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    owner: &'a dyn Fn(&Path) -> Option<u32>,
    /// fal-host itself, without symbolic links.
    program: Option<PathBuf>,
    looked: Vec<String>,
}

/// Returns the interpreter to use: the named one, else the first that is found. Does not check for
/// dbt, since the session does. Does not resolve symbolic links, since Python recognizes a virtual
/// environment by the path of its interpreter.
///
/// # Errors
/// If the named file is not an interpreter, or none is found.
pub fn find(named: Option<&Path>, project_dir: &Path) -> Result<PathBuf, PluginError> {
    Search {
        named,
        project_dir,
        variable: &variable,
        owner: &owner,
        program: env::current_exe()
            .ok()
            .and_then(|path| path.canonicalize().ok()),
        looked: Vec::new(),
    }
    .run()
}

impl Search<'_> {
    fn run(mut self) -> Result<PathBuf, PluginError> {
        if let Some(python) = self.named {
            return existing("--python", python);
        }
        if let Some(python) = (self.variable)("FAL_HOST_PYTHON") {
            return existing("FAL_HOST_PYTHON", Path::new(&python));
        }
        let found = self
            .active()
            .or_else(|| self.beside_project())
            .or_else(|| self.beside_program())
            .or_else(|| self.of_dbt())
            .or_else(|| self.on_path());
        found.ok_or_else(|| self.nothing())
    }

    fn try_at(&mut self, place: &str, python: PathBuf) -> Option<PathBuf> {
        if is_program(&python) {
            return Some(python);
        }
        self.looked
            .push(format!("{place}: {} is no program", python.display()));
        None
    }

    fn active(&mut self) -> Option<PathBuf> {
        let Some(folder) = (self.variable)("VIRTUAL_ENV") else {
            self.looked.push("VIRTUAL_ENV: not set".to_owned());
            return None;
        };
        self.try_at("VIRTUAL_ENV", PathBuf::from(folder).join("bin/python"))
    }

    /// Searches for `.venv` in the project and the folders above it, up to the root of the
    /// repository or the home folder. A folder of another user, or a `.venv` of another user in a
    /// folder that anyone may write to, ends the search.
    fn beside_project(&mut self) -> Option<PathBuf> {
        let home = (self.variable)("HOME").map(PathBuf::from);
        for folder in self.project_dir.ancestors() {
            let others = [folder.to_owned(), folder.join(".venv")]
                .into_iter()
                .find(|path| self.is_of_another(path));
            if let Some(path) = others.filter(|_| folder != self.project_dir) {
                self.looked
                    .push(format!(".venv: {} belongs to another user", path.display()));
                break;
            }
            if let Some(python) = self.try_at(".venv", folder.join(".venv/bin/python")) {
                return Some(python);
            }
            if folder.join(".git").exists() || home.as_deref() == Some(folder) {
                break;
            }
        }
        None
    }

    /// Returns whether the path belongs to a user who is not trusted. The project's owner is
    /// trusted, since models and macros run that user's code in any case; so is root.
    fn is_of_another(&self, path: &Path) -> bool {
        let mine = [
            Some(rustix::process::geteuid().as_raw()),
            Some(0),
            (self.owner)(self.project_dir),
        ];
        (self.owner)(path).is_some_and(|owner| !mine.contains(&Some(owner)))
    }

    /// Returns the interpreter of the virtual environment that fal-host is installed in, if dbt is,
    /// too: `uv tool install` and pipx put only a link to fal-host on the path.
    fn beside_program(&mut self) -> Option<PathBuf> {
        let program = self.program.clone()?;
        let folder = program.parent()?;
        if !folder.parent()?.join("pyvenv.cfg").is_file() {
            return None;
        }
        let dbt = folder.join("dbt");
        // fal-host may be linked as dbt.
        let same = dbt.canonicalize().is_ok_and(|path| path == program);
        if same || !is_program(&dbt) {
            self.looked
                .push(format!("beside fal-host: no dbt in {}", folder.display()));
            return None;
        }
        self.try_at("beside fal-host", folder.join("python"))
    }

    /// Returns the interpreter of the `dbt` on the path, which may be installed in isolation with
    /// an interpreter that is not on the path.
    fn of_dbt(&mut self) -> Option<PathBuf> {
        let Some(dbt) = self.search_path("dbt") else {
            self.looked.push("dbt on PATH: not found".to_owned());
            return None;
        };
        let Some(python) = script_interpreter(&dbt) else {
            self.looked.push(format!(
                "dbt on PATH: {} is no Python script",
                dbt.display()
            ));
            return None;
        };
        self.try_at("dbt on PATH", python)
    }

    fn on_path(&mut self) -> Option<PathBuf> {
        let found = self
            .search_path("python3")
            .or_else(|| self.search_path("python"));
        if found.is_none() {
            self.looked
                .push("python3 and python on PATH: not found".to_owned());
        }
        found
    }

    fn search_path(&self, name: &str) -> Option<PathBuf> {
        let path = (self.variable)("PATH")?;
        env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|p| is_program(p))
    }

    fn nothing(&self) -> PluginError {
        let places: String = self
            .looked
            .iter()
            .map(|place| format!("\n  {place}"))
            .collect();
        PluginError::new(PYTHON_NOT_FOUND, format!("no Python interpreter was found. Looked at:{places}")).with_help(
            "`fal-host setup` makes a .venv with dbt; or name an interpreter with --python or FAL_HOST_PYTHON",
        )
    }
}

/// Returns the owner of the path itself, without following a symbolic link: its target may belong
/// to another user.
fn owner(path: &Path) -> Option<u32> {
    path.symlink_metadata().ok().map(|found| found.uid())
}

fn existing(place: &str, python: &Path) -> Result<PathBuf, PluginError> {
    if is_program(python) {
        return Ok(std::path::absolute(python).unwrap_or_else(|_| python.to_owned()));
    }
    let message = format!("{place} names {}, which is no program", python.display());
    Err(PluginError::new(PYTHON_NOT_FOUND, message)
        .with_help("name a Python interpreter that has dbt"))
}

/// Returns the interpreter that the first line of a script names.
fn script_interpreter(script: &Path) -> Option<PathBuf> {
    let mut line = Vec::new();
    BufReader::new(fal_files::open(script).ok()?.take(512))
        .read_until(b'\n', &mut line)
        .ok()?;
    let line = String::from_utf8(line).ok()?;
    let python = PathBuf::from(line.strip_prefix("#!")?.trim());
    python
        .file_name()?
        .to_str()?
        .starts_with("python")
        .then_some(python)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn program(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn search(
        root: &Path,
        project: &str,
        variables: &[(&str, &str)],
    ) -> Result<PathBuf, PluginError> {
        search_as(root, project, variables, &owner)
    }

    fn search_as(
        root: &Path,
        project: &str,
        variables: &[(&str, &str)],
        owner: &dyn Fn(&Path) -> Option<u32>,
    ) -> Result<PathBuf, PluginError> {
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted)?;
            Some(OsString::from(
                found.1.replace("ROOT", root.to_str().unwrap()),
            ))
        };
        let project_dir = root.join(project);
        let search = Search {
            named: None,
            project_dir: &project_dir,
            variable: &variable,
            owner,
            program: Some(root.join("tool/bin/fal-host")),
            looked: Vec::new(),
        };
        search.run()
    }

    #[test]
    fn goes_up_from_the_project_to_the_repository() {
        let root = tempfile::tempdir().unwrap();
        program(&root.path().join(".venv/bin/python"), "");
        fs::create_dir_all(root.path().join("repo/project")).unwrap();
        let found = search(root.path(), "repo/project", &[]).unwrap();
        assert_eq!(found, root.path().join(".venv/bin/python"));
        fs::create_dir(root.path().join("repo/.git")).unwrap();
        assert!(search(root.path(), "repo/project", &[]).is_err());
    }

    /// Builds a project below a folder that anyone may write to.
    #[test]
    fn a_parent_folder_of_another_user_is_not_searched() {
        const OTHER: u32 = 4242;
        let root = tempfile::tempdir().unwrap();
        program(&root.path().join("shared/.venv/bin/python"), "");
        fs::create_dir_all(root.path().join("shared/above/project")).unwrap();
        let is =
            |path: &Path, owned: &[&str]| owned.iter().any(|name| path == root.path().join(name));
        let find = |others: &[&str]| {
            let owner = |path: &Path| {
                if is(path, others) {
                    Some(OTHER)
                } else {
                    owner(path)
                }
            };
            search_as(root.path(), "shared/above/project", &[], &owner)
        };
        assert!(find(&[]).is_ok());
        for others in ["shared", "shared/.venv", "shared/above"] {
            let error = find(&[others]).unwrap_err().message;
            let expected = format!(
                "{} belongs to another user",
                root.path().join(others).display()
            );
            assert!(error.contains(&expected), "{error}");
        }
        assert!(
            find(&[
                "shared",
                "shared/.venv",
                "shared/above",
                "shared/above/project"
            ])
            .is_ok(),
            "the project's owner"
        );
    }

    #[test]
    fn the_active_environment_comes_before_the_project() {
        let root = tempfile::tempdir().unwrap();
        program(&root.path().join("project/.venv/bin/python"), "");
        program(&root.path().join("active/bin/python"), "");
        let found = search(root.path(), "project", &[("VIRTUAL_ENV", "ROOT/active")]).unwrap();
        assert_eq!(found, root.path().join("active/bin/python"));
    }

    #[test]
    fn dbt_on_the_path_knows_its_interpreter() {
        let root = tempfile::tempdir().unwrap();
        let python = root.path().join("tools/dbt/bin/python");
        program(&python, "");
        program(
            &root.path().join("bin/dbt"),
            &format!("#!{}\nimport dbt\n", python.display()),
        );
        program(&root.path().join("bin/python3"), "");
        fs::create_dir(root.path().join(".git")).unwrap();
        assert_eq!(
            search(root.path(), "", &[("PATH", "ROOT/bin")]).unwrap(),
            python
        );
        program(&root.path().join("bin/dbt"), "\x7fELF");
        assert_eq!(
            search(root.path(), "", &[("PATH", "ROOT/bin")]).unwrap(),
            root.path().join("bin/python3")
        );
    }

    #[test]
    fn the_environment_of_fal_host_counts_if_it_has_dbt() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let bin = root.join("tool/bin");
        for name in ["python", "fal-host"] {
            program(&bin.join(name), "");
        }
        program(&root.join("bin/python3"), "");
        fs::create_dir(root.join(".git")).unwrap();
        let find = || search(&root, "", &[("PATH", "ROOT/bin")]).unwrap();
        assert_eq!(find(), root.join("bin/python3"));
        fs::write(root.join("tool/pyvenv.cfg"), "").unwrap();
        assert_eq!(find(), root.join("bin/python3"), "it has no dbt");
        std::os::unix::fs::symlink("fal-host", bin.join("dbt")).unwrap();
        assert_eq!(find(), root.join("bin/python3"), "fal-host is not dbt");
        fs::remove_file(bin.join("dbt")).unwrap();
        program(&bin.join("dbt"), "");
        assert_eq!(find(), bin.join("python"));
        program(&root.join(".venv/bin/python"), "");
        assert_eq!(find(), root.join(".venv/bin/python"), "the project's");
    }

    #[test]
    fn a_named_interpreter_must_exist() {
        let root = tempfile::tempdir().unwrap();
        let error = search(root.path(), "", &[("FAL_HOST_PYTHON", "/none")]).unwrap_err();
        assert_eq!(
            error.message,
            "FAL_HOST_PYTHON names /none, which is no program"
        );
    }

    #[test]
    fn the_error_lists_all_places() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("p/.git")).unwrap();
        let error = search(root.path(), "p", &[("VIRTUAL_ENV", "/gone")]).unwrap_err();
        let message = error.message.replace(root.path().to_str().unwrap(), "ROOT");
        insta::assert_snapshot!(message, @r"
        no Python interpreter was found. Looked at:
          VIRTUAL_ENV: /gone/bin/python is no program
          .venv: ROOT/p/.venv/bin/python is no program
          dbt on PATH: not found
          python3 and python on PATH: not found
        ");
        assert!(error.help.unwrap().contains("fal-host setup"));
    }
}
