//! The environments of a project. They are built while the run goes on; jobs wait for those that
//! they need.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread,
    time::Instant,
};

use fal_environments::{
    each_of, Base, Cache, Definition, EnvironmentBuilder, EnvironmentError, Key, Ready, State,
    Step, Stop, LOCAL,
};
use fal_plugin::{
    payload::{EnvironmentKind, EnvironmentSpec, LogLevel},
    EventSink,
};
use parking_lot::Mutex;

use super::{packages::Packages, zygotes::Environment};
use crate::process::log;

/// How many environments are built at the same time. The number is small because each installer
/// already uses several cores and the network.
const AT_ONCE: usize = 4;

/// Why a job has no environment.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NoEnvironment {
    /// The run was interrupted.
    #[error("interrupted")]
    Stopped,
    /// The environment is not defined, or its build failed. Holds the complete message for the
    /// user.
    #[error("{0}")]
    Failed(String),
}

/// The environments of a run.
pub(crate) struct Environments {
    specs: Vec<EnvironmentSpec>,
    /// Known once dbt has read the project.
    packages: OnceLock<Packages>,
    project_dir: PathBuf,
    python: PathBuf,
    events: Arc<dyn EventSink>,
    stop: Stop,
    builder: OnceLock<Result<EnvironmentBuilder, NoEnvironment>>,
    /// The outcome of each definition, whatever its names. Each definition is tried once in a run.
    made: Mutex<HashMap<Definition, Arc<OnceLock<Outcome>>>>,
}

type Outcome = Result<Arc<Made>, NoEnvironment>;

/// An environment that this run uses. It cannot be removed while the run holds it.
struct Made {
    environment: Environment,
    _ready: Ready,
}

impl Environments {
    /// Returns the environments of a project without building any. `python` is the interpreter that
    /// runs dbt.
    pub(crate) fn new(
        specs: &[EnvironmentSpec],
        project_dir: &Path,
        python: &Path,
        events: &Arc<dyn EventSink>,
    ) -> Self {
        Self {
            specs: specs.to_vec(),
            packages: OnceLock::new(),
            project_dir: project_dir.to_owned(),
            python: python.to_owned(),
            events: Arc::clone(events),
            stop: Stop::new(),
            builder: OnceLock::new(),
            made: Mutex::default(),
        }
    }

    /// Adds the environments of models that ask for packages. Only the first call has an effect.
    pub(crate) fn add(&self, packages: Packages) {
        let _ = self.packages.set(packages);
    }

    /// Returns the environments of models that ask for packages.
    pub(crate) fn packages(&self) -> Option<&Packages> {
        self.packages.get()
    }

    fn spec(&self, name: &str) -> Option<&EnvironmentSpec> {
        let of_project = || self.specs.iter().find(|spec| spec.name == name);
        self.packages()
            .and_then(|packages| packages.spec(name))
            .or_else(of_project)
    }

    /// Starts to build environments in the background, and calls `ready` with each as soon as it is
    /// usable.
    pub(crate) fn prepare(
        self: &Arc<Self>,
        names: Vec<String>,
        ready: impl Fn(&Environment) + Send + Sync + 'static,
    ) {
        self.each(names, |_, _| true, ready);
    }

    /// Calls `ready` with each environment that exists already. Builds nothing.
    pub(crate) fn look_up(
        self: &Arc<Self>,
        names: Vec<String>,
        ready: impl Fn(&Environment) + Send + Sync + 'static,
    ) {
        self.each(names, Self::is_there, ready);
    }

    fn each(
        self: &Arc<Self>,
        names: Vec<String>,
        wanted: fn(&Self, &str) -> bool,
        ready: impl Fn(&Environment) + Send + Sync + 'static,
    ) {
        if names.is_empty() {
            return;
        }
        let all = Arc::clone(self);
        thread::spawn(move || {
            each_of(&names, AT_ONCE, |name| {
                match wanted(&all, name).then(|| all.get(Some(name))) {
                    Some(Ok(environment)) => ready(&environment),
                    // A failure is reported by the jobs that need the environment.
                    Some(Err(NoEnvironment::Stopped | NoEnvironment::Failed(_))) | None => {}
                }
            });
        });
    }

    /// Returns whether the environment exists already.
    fn is_there(&self, name: &str) -> bool {
        let definition = self
            .spec(name)
            .and_then(|spec| Definition::read(spec, &self.project_dir).ok());
        let builder = self.builder.get_or_init(|| self.open(name)).as_ref().ok();
        definition
            .zip(builder)
            .is_some_and(|(definition, builder)| {
                builder
                    .cache
                    .entry(&Key::new(&definition, &builder.base))
                    .state
                    == State::Ready
            })
    }

    /// Returns the environment called `name`, and builds it first if it is missing. `None` and
    /// `local` are the Python that runs dbt.
    pub(crate) fn get(&self, name: Option<&str>) -> Result<Environment, NoEnvironment> {
        let Some(name) = name.filter(|name| *name != LOCAL) else {
            return Ok(self.local());
        };
        let spec = self.spec(name).ok_or_else(|| self.undefined(name))?;
        let definition =
            Definition::read(spec, &self.project_dir).map_err(|error| failed(name, &error))?;
        let slot = Arc::clone(self.made.lock().entry(definition.clone()).or_default());
        let made = slot.get_or_init(|| self.make(name, &definition)).clone()?;
        Ok(made.environment.clone())
    }

    /// Returns the definition of the environment called `name`, for runners that build it
    /// elsewhere; `None` for the runner's own Python.
    pub(crate) fn spec_of(
        &self,
        name: Option<&str>,
    ) -> Result<Option<EnvironmentSpec>, NoEnvironment> {
        match name.filter(|name| *name != LOCAL) {
            None => Ok(None),
            Some(name) => self
                .spec(name)
                .cloned()
                .map(Some)
                .ok_or_else(|| self.undefined(name)),
        }
    }

    /// Returns the environment of the Python that runs dbt.
    pub(crate) fn local(&self) -> Environment {
        Environment::from_python(self.python.clone())
    }

    /// Stops all builds, without waiting for their end.
    pub(crate) fn stop(&self) {
        self.stop.raise();
    }

    /// Stops all builds, and waits for the end of their processes until `deadline`.
    pub(crate) fn end_by(self: &Arc<Self>, deadline: Instant) {
        self.stop();
        let slots: Vec<_> = self.made.lock().values().cloned().collect();
        let (done, ended) = std::sync::mpsc::channel();
        thread::spawn(move || {
            slots.iter().for_each(|slot| {
                slot.wait();
            });
            // The receiver is gone if the deadline passed.
            let _ = done.send(());
        });
        let _ = ended.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    fn make(&self, name: &str, definition: &Definition) -> Outcome {
        let builder = self
            .builder
            .get_or_init(|| self.open(name))
            .as_ref()
            .map_err(Clone::clone)?;
        let tell = |step| self.tell(name, &step);
        let ready = builder
            .prepare(name, definition, &tell)
            .map_err(|error| failed(name, &error))?;
        let environment = Environment {
            python: ready.python.clone(),
            variables: variables(&ready),
        };
        Ok(Arc::new(Made {
            environment,
            _ready: ready,
        }))
    }

    fn open(&self, name: &str) -> Result<EnvironmentBuilder, NoEnvironment> {
        let cache = Cache::of_user().map_err(|error| failed(name, &error))?;
        let base = Base::from_interpreter(&self.python).map_err(|error| failed(name, &error))?;
        Ok(EnvironmentBuilder {
            cache,
            base,
            project_dir: self.project_dir.clone(),
            stop: self.stop.clone(),
        })
    }

    fn undefined(&self, name: &str) -> NoEnvironment {
        let known: Vec<_> = self.specs.iter().map(|spec| spec.name.as_str()).collect();
        let known = if known.is_empty() {
            "none".to_owned()
        } else {
            known.join(", ")
        };
        NoEnvironment::Failed(format!(
            "environment `{name}` is not defined in fal_project.yml (defined are: {known})"
        ))
    }

    fn tell(&self, name: &str, step: &Step) {
        let message = match step {
            Step::Waiting {
                process: Some(process),
            } => {
                format!("environment `{name}`: waiting for process {process}, which builds it")
            }
            Step::Waiting { process: None } => {
                format!("environment `{name}`: waiting for others who use it")
            }
            Step::Building { .. } => format!("environment `{name}`: building"),
            Step::Built { took } => {
                format!("environment `{name}`: built in {:.1}s", took.as_secs_f64())
            }
        };
        log(&self.events, LogLevel::Info, message);
    }
}

fn failed(name: &str, error: &EnvironmentError) -> NoEnvironment {
    if matches!(error, EnvironmentError::Stopped) {
        return NoEnvironment::Stopped;
    }
    let help = error
        .help()
        .map(|help| format!("\nhelp: {help}"))
        .unwrap_or_default();
    NoEnvironment::Failed(format!(
        "environment `{name}` cannot be made: {error}{help}"
    ))
}

/// Returns the variables that activating an environment sets, since models may start its programs.
fn variables(ready: &Ready) -> Vec<(&'static str, OsString)> {
    let place = match ready.kind {
        EnvironmentKind::Venv => "VIRTUAL_ENV",
        EnvironmentKind::Conda => "CONDA_PREFIX",
    };
    let folders = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(ready.path.join("bin")).chain(env::split_paths(&folders));
    let mut variables = vec![(place, ready.path.clone().into_os_string())];
    // A folder with a colon in its name cannot be an entry of PATH.
    variables.extend(env::join_paths(folders).ok().map(|path| ("PATH", path)));
    variables
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::Event;

    use super::*;

    struct NoSink;

    impl EventSink for NoSink {
        fn emit(&self, _: Event) {}
    }

    fn environments(specs: &[EnvironmentSpec]) -> Environments {
        let events: Arc<dyn EventSink> = Arc::new(NoSink);
        Environments::new(
            specs,
            Path::new("/project"),
            Path::new("/nowhere/python"),
            &events,
        )
    }

    #[test]
    fn local_is_the_python_that_runs_dbt() {
        let environments = environments(&[]);
        let local = environments.get(None).unwrap();
        assert_eq!(local, environments.get(Some("local")).unwrap());
        assert_eq!(
            (local.python.as_path(), local.variables.len()),
            (Path::new("/nowhere/python"), 0)
        );
    }

    #[test]
    fn unusable_environments_are_reported_by_name() {
        let spec = EnvironmentSpec {
            name: "ml".into(),
            kind: EnvironmentKind::Venv,
            requirements: vec!["--pre".into()],
            python: None,
        };
        let environments = environments(&[spec]);
        insta::assert_snapshot!(environments.get(Some("mk")).unwrap_err(), @"environment `mk` is not defined in fal_project.yml (defined are: ml)");
        insta::assert_snapshot!(environments.get(Some("ml")).unwrap_err(), @"environment `ml` cannot be made: `--pre` cannot be used: this option is not known here, or its value is missing");
    }
}
