//! A project with its plugins, which every command opens first.

use std::path::{Path, PathBuf};

use fal_plugin::{NotebookParser, PythonParser, manifest::Stage, payload::OpenRequest};
use fal_project::{
    DbtProject, FalProject, GenerateError, GenerateOptions, Generated, IsolateSetting,
    ProjectOptions, Route, RunnerSpec,
};

use crate::{
    error::HostError,
    plugins::{
        Isolate, PluginChoice, PluginChoiceError, PluginStages, ProjectEnvironment, ProjectPlugins,
        SearchPath, Timeouts, Trust, is_path,
    },
};

/// What the command line says about the project, its target and its plugins.
#[derive(Clone, Debug)]
pub struct ProjectArgs {
    /// `--project-dir`.
    pub project_dir: Option<PathBuf>,
    /// `--target-path`.
    pub target_path: Option<PathBuf>,
    /// `--plugin`.
    pub plugins: Vec<String>,
    /// `--trust-project-plugins`.
    pub trust_project_plugins: bool,
    /// `--isolate-plugins`.
    pub isolate_plugins: bool,
    /// What the backend's session gets as it is: profile, target, variables, threads, ... The
    /// [`Project`] that opens the session fills in its own paths and the command.
    pub session: OpenRequest,
}

impl Default for ProjectArgs {
    fn default() -> Self {
        Self {
            project_dir: None,
            target_path: None,
            plugins: Vec::new(),
            trust_project_plugins: false,
            isolate_plugins: false,
            session: OpenRequest::new("", "", ""),
        }
    }
}

/// A project and its plugins.
pub struct Project {
    /// The dbt project.
    pub dbt: DbtProject,
    /// fal_project.yml.
    pub fal: FalProject,
    /// The plugins.
    pub stages: PluginStages,
    args: ProjectArgs,
    plugins: ProjectPlugins,
}

impl Project {
    /// Finds the project and decides on its plugins; loads none.
    ///
    /// # Errors
    /// If there is no project, one of its files is invalid, or it names plugins that the user does not trust.
    pub fn open(args: ProjectArgs) -> Result<Self, HostError> {
        let dbt = DbtProject::find(&ProjectOptions {
            project_dir: args.project_dir.clone(),
            target_path: args.target_path.clone(),
            vars: args.session.vars.clone(),
        })?;
        let fal = FalProject::read(&dbt.root)?;
        let (choice, paths) = choice(&dbt.root, &fal);
        let mut choice = choice.with_flags(&args.plugins)?;
        if args.isolate_plugins {
            choice.isolate = Isolate::All;
        }
        let plugins = ProjectPlugins {
            paths: trusted(&dbt.root, paths, &args)?,
            environments: environments(&dbt.root, &args),
        };
        let stages = PluginStages::new(choice, SearchPath::new(&plugins));
        Ok(Self {
            dbt,
            fal,
            stages,
            args,
            plugins,
        })
    }

    /// Returns a project without files, for commands that need none: the plugins are the default ones.
    pub(crate) fn nowhere(args: ProjectArgs) -> Result<Self, HostError> {
        let choice = PluginChoice::default().with_flags(&args.plugins)?;
        Ok(Self {
            dbt: DbtProject::default(),
            fal: FalProject::default(),
            stages: PluginStages::new(choice, SearchPath::new(&ProjectPlugins::default())),
            args,
            plugins: ProjectPlugins::default(),
        })
    }

    /// Whether the user named no project, and the nearest one was taken.
    pub(crate) fn is_found(&self) -> bool {
        self.args.project_dir.is_none()
    }

    /// Returns which libraries of this project run in separate processes.
    pub fn isolate(&self) -> &Isolate {
        self.stages.isolate()
    }

    /// Returns where plugins of this project are searched.
    pub fn search_path(&self) -> SearchPath {
        SearchPath::new(&self.plugins)
    }

    /// Returns the environments of this project that have plugins.
    pub fn environments(&self) -> &[ProjectEnvironment] {
        &self.plugins.environments
    }

    /// Returns the paths of plugins that the project itself names.
    pub fn plugin_paths(&self) -> Vec<PathBuf> {
        choice(&self.dbt.root, &self.fal).1
    }

    /// Parses all models and writes their stubs; with `check` it only finds what would change.
    ///
    /// # Errors
    /// If any file must be mended first, a plugin fails, or a file cannot be written.
    pub fn generate(&self, check: bool) -> Result<Generated, HostError> {
        self.generated(GenerateOptions {
            check,
            keep_going: false,
        })
    }

    /// Parses all models and writes the stubs of those without errors.
    ///
    /// # Errors
    /// If a plugin fails, or a file cannot be written.
    pub(crate) fn prepare(&self) -> Result<Generated, HostError> {
        self.generated(GenerateOptions {
            check: false,
            keep_going: true,
        })
    }

    /// Parses all models, also those with errors, and writes nothing.
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

    /// Adds the name of the plugin to an error that does not have it.
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

    /// Uses this target if the user named none.
    pub(crate) fn prefer_target(&mut self, target: Option<String>) {
        let own = &mut self.args.session.target;
        *own = own.take().or(target);
    }

    /// Returns the key of `meta` under which schema files configure fal-host.
    pub(crate) fn keyword(&self) -> &str {
        &self.args.session.keyword
    }

    /// Returns the name or path of the runner of a route.
    pub(crate) fn runner_of(&self, route: &Route) -> String {
        below(&self.dbt.root, &route.runner)
    }

    /// Finds a runner of fal_project.yml: the name or path of its plugin, and its configuration.
    pub(crate) fn runner_spec(&self, name: &str) -> Option<(String, &RunnerSpec)> {
        let spec = self.fal.runners.iter().find(|spec| spec.name == name)?;
        Some((below(&self.dbt.root, &spec.plugin), spec))
    }

    /// Returns the request that opens a session of the backend for a command of dbt.
    pub(crate) fn open_request(&self, command: &str, execute: bool) -> OpenRequest {
        let target_path = self.args.target_path.as_ref();
        OpenRequest {
            project_dir: self.dbt.root.display().to_string(),
            target_path: target_path.map(|_| self.dbt.target_path.display().to_string()),
            command: command.to_owned(),
            execute,
            state_dir: self.dbt.state_dir().display().to_string(),
            scripts_dir: Some(self.dbt.scripts_dir().display().to_string()),
            environments: self.fal.environments.clone(),
            ..self.args.session.clone()
        }
    }
}

/// Returns what fal_project.yml chooses, and the paths of native code that it names.
fn choice(root: &Path, fal: &FalProject) -> (PluginChoice, Vec<PathBuf>) {
    let settings = &fal.plugins;
    let stub_writer: Vec<String> = settings.stub_writer.iter().cloned().collect();
    let chains = [
        (Stage::PythonParser, &settings.python_parser),
        (Stage::NotebookParser, &settings.notebook_parser),
        (Stage::StubWriter, &stub_writer),
        (Stage::ExecutionBackend, &settings.execution_backend),
    ];
    let mut paths: Vec<PathBuf> = settings.paths.iter().map(|path| root.join(path)).collect();
    let mut choice = PluginChoice::default();
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

/// Resolves a path in fal_project.yml below its folder; leaves the name of a plugin as it is.
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
) -> Result<Vec<PathBuf>, PluginChoiceError> {
    if args.trust_project_plugins || paths.is_empty() {
        return Ok(paths);
    }
    let untrusted = || PluginChoiceError::Untrusted {
        path: paths[0].clone(),
    };
    Trust::for_user()
        .map_err(|_| untrusted())?
        .check(root, &paths)?;
    Ok(paths)
}

/// Returns the environments of the project that have plugins. Nothing is loaded from those that are not trusted.
fn environments(root: &Path, args: &ProjectArgs) -> Vec<ProjectEnvironment> {
    let python = args.session.python.as_deref().map(Path::new);
    let mut found = ProjectEnvironment::find(python, root);
    for environment in &mut found {
        environment.trusted = args.trust_project_plugins
            || Trust::for_user().is_ok_and(|trust| trust.covers(environment));
    }
    found
}
