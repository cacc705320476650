//! Commands that dbt itself runs, with the user's terminal: `compile`, `docs generate`, `deps`, ...

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_plugin::{
    ExecutionBackend,
    payload::{CommandLine, CommandRequest, RunGraph},
};
use fal_project::{Generated, ModelFile, ProjectError};
use fal_report::Reporters;

use crate::{
    error::HostError, faults::Faults, interrupt::Interrupt, manifest::EarlierState,
    project::Project, project::ProjectArgs, session::Loaded,
};

/// Commands that do not read models, which also work where the project cannot be read.
const WITHOUT_MODELS: [&str; 6] = ["--version", "clean", "debug", "deps", "docs serve", "init"];

/// dbt's flag for the artifacts of an earlier run, and its variables, the new name first.
const STATE: &str = "--state";
const STATE_VARIABLES: [&str; 2] = ["DBT_ENGINE_STATE", "DBT_STATE"];

/// A command of dbt, ready to be started.
pub struct DbtCommand {
    /// How to start it.
    pub line: CommandLine,
    /// Where to start it, if not here: dbt looks for a project in the present folder alone.
    pub folder: Option<PathBuf>,
    /// The project that it reads, with its models.
    read: Option<(Project, Generated)>,
}

impl DbtCommand {
    /// Prepares a command with these words of dbt's command line, the command's own name first.
    ///
    /// # Errors
    /// If the project or a plugin is wrong, or this command does not work with this dbt.
    pub fn new(
        args: ProjectArgs,
        name: &str,
        words: Vec<String>,
        reporters: &Arc<Reporters>,
    ) -> Result<Self, HostError> {
        let project = match Project::open(args.clone()) {
            Err(HostError::Project(ProjectError::NotFound { .. }))
                if WITHOUT_MODELS.contains(&name) =>
            {
                let mut project = Project::nowhere(args)?;
                project.dbt.root = env::current_dir().unwrap_or_default();
                return Self::of(project, name, words, None);
            }
            project => project?,
        };
        if WITHOUT_MODELS.contains(&name) {
            return Self::of(project, name, words, None);
        }
        let generated = project.prepare()?;
        Faults::from_files(&generated.wrong, |_| false).show(reporters);
        Self::of(project, name, words, Some(generated))
    }

    fn of(
        project: Project,
        name: &str,
        mut words: Vec<String>,
        generated: Option<Generated>,
    ) -> Result<Self, HostError> {
        let mut of_env = None;
        if let Some(generated) = &generated {
            of_env = state_of_env(&words);
            let words = of_env.as_mut().map_or(&mut words, |(_, words)| words);
            if let Some(earlier) = EarlierState::read(words, &project.dbt.target_path)? {
                earlier.write_copy(&project.dbt, &generated.models)?;
            }
        }
        let models = generated.iter().flat_map(|generated| &generated.models);
        let code = |model: &ModelFile| Some((model.stub_path.clone()?, model.code().ok()?.into()));
        let codes = models.clone().filter(|_| name == "compile");
        let request = CommandRequest {
            open: project.open_request(name, false),
            words,
            codes: codes.filter_map(code).collect(),
            python_models: models.map(ModelFile::python_model).collect(),
        };
        let mut line = project.stages.execution_backend()?.command(&request)?;
        if let Some((name, words)) = of_env {
            line.env.insert(name.to_owned(), words[1].clone());
        }
        let is_above = project.is_found() && name != "init";
        let folder = is_above.then(|| project.dbt.root.clone());
        let read = generated.map(|generated| (project, generated));
        Ok(Self { line, folder, read })
    }

    /// Finishes the artifacts of a command that has ended: manifest.json shows what Python models are.
    ///
    /// # Errors
    /// If an artifact cannot be read or written.
    pub fn finish(
        &self,
        reporters: &Arc<Reporters>,
        interrupt: &Interrupt,
    ) -> Result<(), HostError> {
        let Some((project, generated)) = &self.read else {
            return Ok(());
        };
        if generated
            .models
            .iter()
            .all(|model| model.stub_path.is_none())
        {
            return Ok(());
        }
        let Some(path) = self.line.graph.as_deref() else {
            // This dbt is a program, and says nothing of the graph.
            let criteria = fal_graph::Criteria::default();
            return crate::inspect::graph(project, &criteria, reporters, interrupt).map(drop);
        };
        // dbt that could not read the project has left no graph, and said why.
        let Ok(bytes) = fal_files::read(Path::new(path), fal_files::DATA) else {
            return Ok(());
        };
        let Ok(graph) = serde_json::from_slice::<RunGraph>(&bytes) else {
            return Ok(());
        };
        let loaded = Loaded::new(&project.dbt, project.keyword(), generated, graph)?;
        Ok(loaded.write_manifest()?)
    }
}

/// Returns dbt's variable for the earlier state, with the flag that it stands for, if there is no flag. Not every
/// command has the flag, so dbt gets the variable.
fn state_of_env(words: &[String]) -> Option<(&'static str, Vec<String>)> {
    if words
        .iter()
        .any(|word| word.split('=').next() == Some(STATE))
    {
        return None;
    }
    let (name, folder) = STATE_VARIABLES
        .into_iter()
        .find_map(|name| Some((name, env::var_os(name).filter(|value| !value.is_empty())?)))?;
    let folder = std::path::absolute(folder).ok()?.into_os_string();
    Some((name, vec![STATE.to_owned(), folder.into_string().ok()?]))
}
