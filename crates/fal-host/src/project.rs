//! A project with its plugins: what every command begins with.

use std::path::{Path, PathBuf};

use fal_plugin::{NotebookParser, PythonParser, manifest::Stage, payload::OpenRequest};
use fal_project::{
    DbtProject, FalProject, GenerateError, GenerateOptions, Generated, IsolateSetting,
    ProjectOptions, Route, RunnerSpec,
};
use serde_json::{Map, Value};

use crate::{
    error::HostError,
    plugins::{Choice, Isolate, PluginDoorError, SearchPath, Stages, Timeouts, Trust, is_path},
};

/// What the command line says of the project, the target and the plugins.
#[derive(Clone, Debug, Default)]
pub struct ProjectArgs {
    /// `--project-dir`.
    pub project_dir: Option<PathBuf>,
    /// `--profiles-dir`.
    pub profiles_dir: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--target-path`.
    pub target_path: Option<PathBuf>,
    /// `--vars`.
    pub vars: Map<String, Value>,
    /// `--threads`.
    pub threads: Option<u32>,
    /// `--full-refresh`.
    pub full_refresh: bool,
    /// `--python`.
    pub python: Option<PathBuf>,
    /// `--plugin`.
    pub plugins: Vec<String>,
    /// `--trust-project-plugins`.
    pub trust_project_plugins: bool,
    /// `--isolate-plugins`.
    pub isolate_plugins: bool,
    /// `--debug`.
    pub debug: bool,
    /// `--keyword`: the key below `meta` that is ours; `fal` if it is not given.
    pub keyword: Option<String>,
    /// Further words for dbt.
    pub dbt_args: Vec<String>,
    /// For `retry`: the `run_results.json` of what is tried again.
    pub retry_of: Option<PathBuf>,
}

/// A project and its plugins.
pub struct Project {
    /// The dbt project.
    pub dbt: DbtProject,
    /// fal_project.yml.
    pub fal: FalProject,
    /// The plugins.
    pub stages: Stages,
    args: ProjectArgs,
    trusted: Vec<PathBuf>,
}

impl Project {
    /// Finds the project and decides on its plugins; loads none.
    ///
    /// # Errors
    /// If there is no project, a file of it makes no sense, or it wants plugins that the user did not trust.
    pub fn open(args: ProjectArgs) -> Result<Self, HostError> {
        let dbt = DbtProject::find(&ProjectOptions {
            project_dir: args.project_dir.clone(),
            target_path: args.target_path.clone(),
            vars: args.vars.clone(),
        })?;
        let fal = FalProject::read(&dbt.root)?;
        let (choice, paths) = choice(&dbt.root, &fal);
        let mut choice = choice.with_flags(&args.plugins)?;
        if args.isolate_plugins {
            choice.isolate = Isolate::All;
        }
        let trusted = trusted(&dbt.root, paths, &args)?;
        let stages = Stages::new(choice, SearchPath::new(&trusted));
        Ok(Self {
            dbt,
            fal,
            stages,
            args,
            trusted,
        })
    }

    /// Which libraries of this project run in processes of their own.
    pub fn isolate(&self) -> &Isolate {
        self.stages.isolate()
    }

    /// Where plugins of this project are looked for.
    pub fn search_path(&self) -> SearchPath {
        SearchPath::new(&self.trusted)
    }

    /// Paths of plugins that the project itself names.
    pub fn plugin_paths(&self) -> Vec<PathBuf> {
        choice(&self.dbt.root, &self.fal).1
    }

    /// Understands all models and writes their stubs (or, with `check`, only says what would change).
    ///
    /// # Errors
    /// If any file must be mended first, a plugin fails, or a file cannot be written.
    pub fn generate(&self, check: bool) -> Result<Generated, HostError> {
        self.generated(GenerateOptions {
            check,
            keep_going: false,
        })
    }

    /// Understands all models and writes the stubs of those without errors.
    ///
    /// # Errors
    /// If a plugin fails, or a file cannot be written.
    pub(crate) fn prepare(&self) -> Result<Generated, HostError> {
        self.generated(GenerateOptions {
            check: false,
            keep_going: true,
        })
    }

    /// Understands all models, those with errors too, and writes nothing.
    ///
    /// # Errors
    /// If a plugin fails.
    pub fn examine(&self) -> Result<Generated, HostError> {
        self.generated(GenerateOptions {
            check: true,
            keep_going: true,
        })
    }

    fn generated(&self, options: GenerateOptions) -> Result<Generated, HostError> {
        let python = self.stages.python_parsers()?;
        let notebooks = self.stages.notebook_parsers()?;
        let stubs = self.stages.stub_writer()?;
        let stages = fal_project::Stages {
            python: python
                .iter()
                .map(|parser| parser as &dyn PythonParser)
                .collect(),
            notebooks: notebooks
                .iter()
                .map(|parser| parser as &dyn NotebookParser)
                .collect(),
            stubs: &stubs,
            identity: self.stages.identity(),
        };
        Ok(
            fal_project::generate(&self.dbt, &stages, options)
                .map_err(|error| self.named(error))?,
        )
    }

    /// The same error, with the name of the plugin if it does not say it itself.
    fn named(&self, mut error: GenerateError) -> GenerateError {
        if let GenerateError::Plugin { stage, source, .. } = &mut error {
            let chosen = self
                .stages
                .chosen()
                .into_iter()
                .filter(|chosen| chosen.stage.name().replace('-', " ") == *stage);
            let names: Vec<_> = chosen.map(|chosen| format!("`{}`", chosen.name)).collect();
            if !names.iter().any(|name| source.message.contains(name)) {
                source
                    .message
                    .push_str(&format!(" (plugin {})", names.join(", ")));
            }
        }
        error
    }

    /// Takes this target, if the user named none.
    pub(crate) fn prefer_target(&mut self, target: Option<String>) {
        self.args.target = self.args.target.take().or(target);
    }

    /// Key of `meta` that is ours.
    pub(crate) fn keyword(&self) -> &str {
        self.args.keyword.as_deref().unwrap_or("fal")
    }

    /// Name or path of the runner of a route.
    pub(crate) fn runner_of(&self, route: &Route) -> String {
        below(&self.dbt.root, &route.runner)
    }

    /// A runner that fal_project.yml names: its plugin's name or path, and its configuration.
    pub(crate) fn runner_spec(&self, name: &str) -> Option<(String, &RunnerSpec)> {
        let spec = self.fal.runners.iter().find(|spec| spec.name == name)?;
        Some((below(&self.dbt.root, &spec.plugin), spec))
    }

    /// What a session of the backend is told.
    pub(crate) fn open_request(&self, command: &str, execute: bool) -> OpenRequest {
        let args = &self.args;
        let text = |path: &Option<PathBuf>| path.as_deref().map(absolute);
        OpenRequest {
            project_dir: self.dbt.root.display().to_string(),
            profiles_dir: text(&args.profiles_dir),
            profile: args.profile.clone(),
            target: args.target.clone(),
            target_path: args
                .target_path
                .as_ref()
                .map(|_| self.dbt.target_path.display().to_string()),
            vars: args.vars.clone(),
            threads: args.threads,
            full_refresh: args.full_refresh,
            command: command.to_owned(),
            dbt_args: args.dbt_args.clone(),
            retry_of: text(&args.retry_of),
            python: text(&args.python),
            execute,
            state_dir: self.dbt.state_dir().display().to_string(),
            debug: args.debug,
            keyword: self.keyword().to_owned(),
            scripts_dir: Some(self.dbt.scripts_dir().display().to_string()),
            environments: self.fal.environments.clone(),
        }
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

/// What fal_project.yml chooses, and the paths of native code that it names.
fn choice(root: &Path, fal: &FalProject) -> (Choice, Vec<PathBuf>) {
    let settings = &fal.plugins;
    let stub_writer: Vec<String> = settings.stub_writer.iter().cloned().collect();
    let chains = [
        (Stage::PythonParser, &settings.python_parser),
        (Stage::NotebookParser, &settings.notebook_parser),
        (Stage::StubWriter, &stub_writer),
        (Stage::ExecutionBackend, &settings.execution_backend),
    ];
    let mut paths: Vec<PathBuf> = settings.paths.iter().map(|path| root.join(path)).collect();
    let mut choice = Choice::default();
    for (stage, chain) in chains.into_iter().filter(|(_, chain)| !chain.is_empty()) {
        let chain: Vec<String> = chain.iter().map(|name| below(root, name)).collect();
        paths.extend(chain.iter().filter(|name| is_path(name)).map(PathBuf::from));
        choice.wanted.insert(stage, chain);
    }
    let runners = fal
        .routes
        .iter()
        .map(|route| &route.runner)
        .chain(fal.runners.iter().map(|runner| &runner.plugin));
    let runners = runners.filter(|name| is_path(name));
    paths.extend(runners.map(|name| PathBuf::from(below(root, name))));
    choice.config = settings.config.clone().into_iter().collect();
    choice.isolate = match &settings.isolate {
        IsolateSetting::None => Isolate::None,
        IsolateSetting::All => Isolate::All,
        IsolateSetting::Named(names) => Isolate::Named(names.clone()),
    };
    let default = Timeouts::default();
    choice.timeouts = Timeouts {
        call: settings.timeout.or(default.call),
        session: settings.session_timeout,
    };
    (choice, paths)
}

/// A path that fal_project.yml names stands below its folder; a name is a name.
fn below(root: &Path, name: &str) -> String {
    if is_path(name) {
        root.join(name).display().to_string()
    } else {
        name.to_owned()
    }
}

fn trusted(
    root: &Path,
    paths: Vec<PathBuf>,
    args: &ProjectArgs,
) -> Result<Vec<PathBuf>, PluginDoorError> {
    if args.trust_project_plugins || paths.is_empty() {
        return Ok(paths);
    }
    let untrusted = || PluginDoorError::Untrusted {
        path: paths[0].clone(),
    };
    Trust::of_user()
        .map_err(|_| untrusted())?
        .check(root, &paths)?;
    Ok(paths)
}
