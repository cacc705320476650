//! `dbt_project.yml`: where it is, and the settings that matter before dbt has started.

use std::{
    env,
    path::{Component, Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{source::Source, yaml::Node};
use crate::error::ProjectError;

const FILE: &str = "dbt_project.yml";
/// The environment variable with the folders outside of a project in which stubs may be written.
pub(crate) const STUB_FOLDERS: &str = "FAL_HOST_STUB_FOLDERS";

/// The project's options on the command line.
#[derive(Clone, Debug, Default)]
pub struct ProjectOptions {
    /// `--project-dir` or `DBT_PROJECT_DIR`; without them the nearest folder upwards that holds a
    /// project.
    pub project_dir: Option<PathBuf>,
    /// `--target-path` or `DBT_TARGET_PATH`; without them the project's.
    pub target_path: Option<PathBuf>,
    /// `--vars`.
    pub vars: Map<String, Value>,
}

/// A dbt project. Paths are below [`root`](Self::root), with `/`, unless they say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DbtProject {
    /// Folder of `dbt_project.yml`, absolute.
    pub root: PathBuf,
    /// `name`.
    pub name: String,
    /// `profile`.
    pub profile: Option<String>,
    /// `model-paths`.
    pub model_paths: Vec<String>,
    /// The var `fal-models-paths`: further folders with Python models.
    pub fal_models_paths: Vec<String>,
    /// The var `fal-scripts-path`, to which paths of scripts are relative; empty for the project's
    /// folder.
    pub fal_scripts_path: String,
    /// `seed-paths`.
    pub seed_paths: Vec<String>,
    /// `snapshot-paths`.
    pub snapshot_paths: Vec<String>,
    /// `packages-install-path`.
    pub packages_path: String,
    /// The target folder, absolute.
    pub target_path: PathBuf,
    /// Folders outside of the project in which the user allows stubs to be written.
    pub stub_folders: Vec<PathBuf>,
    /// For an installed package, the folder of the project that it is installed in.
    pub installed_in: Option<PathBuf>,
}

impl DbtProject {
    /// Finds and reads the project.
    ///
    /// # Errors
    /// If there is none, or if its file is invalid.
    pub fn find(options: &ProjectOptions) -> Result<Self, ProjectError> {
        let lookup = |name: &str| env::var(name).ok();
        let root = locate(options.project_dir.as_deref())?;
        let Some(source) = Source::read(&root.join(FILE), FILE, &lookup)? else {
            return Err(ProjectError::NotFound {
                folder: root,
                above: false,
            });
        };
        let mut project = read(&source, &options.vars)?;
        let target = options
            .target_path
            .clone()
            .or_else(|| env::var_os("DBT_TARGET_PATH").map(PathBuf::from));
        project.target_path = root.join(target.unwrap_or(project.target_path));
        project.stub_folders = env::var_os(STUB_FOLDERS)
            .iter()
            .flat_map(env::split_paths)
            .collect();
        project.root = root;
        Ok(project)
    }

    /// Returns an installed package, given its folder below the project; `None` if dbt_project.yml
    /// is missing or invalid.
    pub(crate) fn package(&self, folder: &str) -> Option<Self> {
        let root = self.root.join(folder);
        let source =
            Source::read(&root.join(FILE), FILE, &|name: &str| env::var(name).ok()).ok()??;
        let read = read(&source, &Map::new()).ok()?;
        let target_path = self.state_dir().join("packages").join(&read.name);
        let (stub_folders, installed_in) = (self.stub_folders.clone(), Some(self.root.clone()));
        Some(Self {
            root,
            target_path,
            stub_folders,
            installed_in,
            ..read
        })
    }

    /// Returns the path below the project of a file that dbt names by its package and its path in
    /// it.
    pub fn path_of(&self, package: &str, path: &str) -> String {
        if package == self.name {
            path.to_owned()
        } else {
            format!("{}/{package}/{path}", self.packages_path)
        }
    }

    /// Returns the folder of fal-host's files: `target/fal`.
    pub fn state_dir(&self) -> PathBuf {
        self.target_path.join("fal")
    }

    /// Returns the absolute folder of scripts, which is on the import path of all user code.
    pub fn scripts_dir(&self) -> PathBuf {
        if self.fal_scripts_path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(&self.fal_scripts_path)
        }
    }

    /// Returns the path of a script below the project, given the path in a schema file.
    pub fn script_path(&self, written: &str) -> String {
        let path = format!("{}/{written}", self.fal_scripts_path);
        let mut parts: Vec<&str> = Vec::new();
        for part in path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
        {
            match (part, parts.last()) {
                ("..", Some(&last)) if last != ".." => _ = parts.pop(),
                _ => parts.push(part),
            }
        }
        let absolute = if self.fal_scripts_path.starts_with('/') {
            "/"
        } else {
            ""
        };
        format!("{absolute}{}", parts.join("/"))
    }
}

/// Returns `flags` of the project's file, as written. Whatever is wrong with the file is an error of
/// [`DbtProject::find`], and no flags here.
pub fn project_flags(project_dir: Option<&Path>) -> Map<String, Value> {
    let lookup = |name: &str| env::var(name).ok();
    let read = || {
        let root = locate(project_dir).ok()?;
        let source = Source::read(&root.join(FILE), FILE, &lookup).ok()??;
        let tree = source.tree().ok()?;
        match source.json(tree.get("flags")?).ok()? {
            Value::Object(flags) => Some(flags),
            _ => None,
        }
    };
    read().unwrap_or_default()
}

fn locate(project_dir: Option<&Path>) -> Result<PathBuf, ProjectError> {
    let named = project_dir
        .map(Path::to_path_buf)
        .or_else(|| env::var_os("DBT_PROJECT_DIR").map(PathBuf::from));
    let here = named.clone().unwrap_or_else(|| PathBuf::from("."));
    let start =
        std::path::absolute(&here).map_err(|source| ProjectError::Read { path: here, source })?;
    let start = lexical(&start);
    let above = named.is_none();
    let mut candidates = start.ancestors().take(if above { usize::MAX } else { 1 });
    match candidates.find(|folder| folder.join(FILE).is_file()) {
        Some(folder) => Ok(folder.to_path_buf()),
        None => Err(ProjectError::NotFound {
            folder: start,
            above,
        }),
    }
}

/// Removes `.` from a path. `..` stays, because it may lead through a link.
fn lexical(path: &Path) -> PathBuf {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .collect()
}

fn read(source: &Source<'_>, cli_vars: &Map<String, Value>) -> Result<DbtProject, ProjectError> {
    let tree = source.tree()?;
    let Some(name) = source.optional_string(&tree, "name")? else {
        let help = "add `name: my_project`".to_owned();
        let line = tree.get("name").map_or(1, |name| name.line);
        return Err(source.complain(line, "the project has no `name`".to_owned(), Some(help)));
    };
    let paths = |key: &str, default: &str| -> Result<Vec<String>, ProjectError> {
        match tree.get(key) {
            Some(node) if !node.is_null() => Ok(normal(source.strings(&format!("`{key}`"), node)?)),
            _ => Ok(vec![default.to_owned()]),
        }
    };
    let vars = Vars {
        source,
        cli: cli_vars,
        file: tree.get("vars"),
        project: &name,
    };
    Ok(DbtProject {
        root: PathBuf::new(),
        stub_folders: Vec::new(),
        installed_in: None,
        profile: source.optional_string(&tree, "profile")?,
        model_paths: paths("model-paths", "models")?,
        fal_models_paths: normal(vars.strings("fal-models-paths")?),
        fal_scripts_path: normal(vars.strings("fal-scripts-path")?)
            .into_iter()
            .next()
            .unwrap_or_default(),
        seed_paths: paths("seed-paths", "seeds")?,
        snapshot_paths: paths("snapshot-paths", "snapshots")?,
        packages_path: normal(
            source
                .optional_string(&tree, "packages-install-path")?
                .into_iter()
                .collect(),
        )
        .into_iter()
        .next()
        .unwrap_or_else(|| "dbt_packages".to_owned()),
        target_path: source
            .optional_string(&tree, "target-path")?
            .map_or_else(|| "target".into(), PathBuf::from),
        name,
    })
}

/// Vars in dbt's order of precedence: the command line, the project's own, those for all packages.
struct Vars<'a> {
    source: &'a Source<'a>,
    cli: &'a Map<String, Value>,
    file: Option<&'a Node>,
    project: &'a str,
}

impl Vars<'_> {
    fn strings(&self, name: &str) -> Result<Vec<String>, ProjectError> {
        if let Some(value) = self.cli.get(name) {
            return self.given(name, value);
        }
        let scoped = self
            .file
            .and_then(|vars| vars.get(self.project))
            .and_then(|vars| vars.get(name));
        match scoped.or_else(|| self.file.and_then(|vars| vars.get(name))) {
            Some(node) => self.source.strings(&format!("the var `{name}`"), node),
            None => Ok(Vec::new()),
        }
    }

    fn given(&self, name: &str, value: &Value) -> Result<Vec<String>, ProjectError> {
        let texts = match value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        let message =
            || format!("the var `{name}` given with --vars must be text or a list of texts");
        texts.ok_or_else(|| self.source.complain(1, message(), None))
    }
}

/// Normalises paths for comparison: with `/`, without `.` and a trailing slash.
fn normal(paths: Vec<String>) -> Vec<String> {
    let one = |path: String| {
        let absolute = if path.starts_with('/') { "/" } else { "" };
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        format!("{absolute}{}", parts.join("/"))
    };
    paths.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn project(text: &str, vars: Value) -> Result<DbtProject, ProjectError> {
        let env = |name: &str| (name == "MODELS").then(|| "env_models".to_owned());
        read(&Source::new(text, &env), vars.as_object().unwrap())
    }

    #[test]
    fn defaults_are_dbts() {
        let project = project("name: shop\n", json!({})).unwrap();
        assert_eq!(project.model_paths, ["models"]);
        assert_eq!(project.packages_path, "dbt_packages");
        assert_eq!(project.target_path, PathBuf::from("target"));
        assert!(project.fal_models_paths.is_empty());
    }

    #[test]
    fn paths_are_normal_and_env_vars_known() {
        let text = "name: shop\nmodel-paths: [./a/, \"{{ env_var('MODELS') }}\", \"{{ env_var('NO', 'x') }}\"]\n";
        assert_eq!(
            project(text, json!({})).unwrap().model_paths,
            ["a", "env_models", "x"]
        );
    }

    #[test]
    fn vars_have_dbts_order() {
        let text = "name: shop\nvars:\n  fal-models-paths: all\n  fal-scripts-path: scripts\n  shop:\n    fal-models-paths: [own]\n";
        let read = project(text, json!({})).unwrap();
        assert_eq!(
            (read.fal_models_paths, read.fal_scripts_path),
            (vec!["own".to_owned()], "scripts".to_owned())
        );
        assert_eq!(
            project(text, json!({"fal-models-paths": "cli"}))
                .unwrap()
                .fal_models_paths,
            ["cli"]
        );
        assert!(project(text, json!({"fal-models-paths": 3})).is_err());
    }

    #[test]
    fn scripts_are_relative_to_their_folder() {
        let at = |folder: &str, path: &str| {
            DbtProject {
                fal_scripts_path: folder.to_owned(),
                ..DbtProject::default()
            }
            .script_path(path)
        };
        assert_eq!(at("", "a.py"), "a.py");
        assert_eq!(at("scripts", "./x/../a.py"), "scripts/a.py");
        assert_eq!(at("scripts", "../../a.py"), "../a.py");
        assert_eq!(at("/srv/scripts", "a.py"), "/srv/scripts/a.py");
    }

    #[test]
    fn complaints_name_file_line_and_fix() {
        let error = project("name: shop\n\nmodel-paths: {a: b}\n", json!({})).unwrap_err();
        insta::assert_snapshot!(error, @"test.yml: `model-paths` must be text or a list, not a mapping");
        let ProjectError::Invalid(diagnostic) = error else {
            panic!()
        };
        assert_eq!(diagnostic.place().unwrap().1.line, 3);
        let error = project("name: \"{{ env_var('NOPE') }}\"\n", json!({})).unwrap_err();
        insta::assert_snapshot!(error.help().unwrap(), @"set NOPE, or give a default: env_var('NOPE', '...')");
        insta::assert_snapshot!(project("", json!({})).unwrap_err(), @"test.yml: the project has no `name`");
    }

    #[test]
    fn a_named_folder_is_not_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "name: x\n").unwrap();
        let inside = folder.path().join("models");
        fs::create_dir(&inside).unwrap();
        let find = |path: &Path| {
            DbtProject::find(&ProjectOptions {
                project_dir: Some(path.into()),
                ..Default::default()
            })
        };
        assert_eq!(find(folder.path()).unwrap().name, "x");
        assert!(matches!(
            find(&inside),
            Err(ProjectError::NotFound { above: false, .. })
        ));
    }
}
