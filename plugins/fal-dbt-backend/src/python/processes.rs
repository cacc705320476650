//! What a run needs for its Python code, in one place.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use fal_plugin::{
    payload::{EnvironmentSpec, OpenRequest, Timing},
    EventSink,
};

use super::{
    environments::{Environments, NoEnvironment},
    job::{self, Work},
    job_end::JobEnd,
    job_socket::JobSocket,
    jobs::{Jobs, Stop},
    last_environments,
    packages::Packages,
    zygotes::{Environment, Zygotes},
};
use crate::error::StartError;

/// The environments of a run, a warm process in each, and the jobs that are forked from them.
pub(crate) struct PythonProcesses {
    environments: Arc<Environments>,
    zygotes: Arc<Zygotes>,
    jobs: Arc<Jobs>,
    socket: JobSocket,
    events: Arc<dyn EventSink>,
    state_dir: String,
}

impl PythonProcesses {
    /// Opens the socket for jobs. `python` is the interpreter that runs dbt, and `home` the folder
    /// that holds `fal_worker`.
    pub(crate) fn new(
        request: &OpenRequest,
        python: &Path,
        home: &Path,
        socket: PathBuf,
        events: &Arc<dyn EventSink>,
    ) -> Result<Self, StartError> {
        let jobs = Arc::new(Jobs::default());
        let project_dir = Path::new(&request.project_dir);
        let environments = Environments::new(&request.environments, project_dir, python, events);
        Ok(Self {
            environments: Arc::new(environments),
            zygotes: Arc::new(Zygotes::new(home, &jobs, events)),
            socket: JobSocket::open(socket, &jobs)?,
            jobs,
            events: Arc::clone(events),
            state_dir: request.state_dir.clone(),
        })
    }

    /// Starts the warm processes that will most likely be needed: in the Python that runs dbt, and
    /// in the existing environments of the last run.
    pub(crate) fn warm_up(&self) -> Result<(), StartError> {
        self.zygotes.get(&self.environments.local())?;
        let names = last_environments::read(&self.state_dir);
        self.environments.look_up(names, self.starter());
        Ok(())
    }

    /// Prepares environments in the background while the run begins, and starts a warm process in
    /// each. These are the environments that the host names, and those of selected models that ask
    /// for packages.
    pub(crate) fn prepare(&self, names: &[String], selected: &[String]) {
        last_environments::write(&self.state_dir, names);
        let of_packages = self
            .packages()
            .into_iter()
            .flat_map(|packages| packages.names(selected));
        let names = names.iter().cloned().chain(of_packages.map(str::to_owned));
        self.environments.prepare(names.collect(), self.starter());
    }

    fn starter(&self) -> impl Fn(&Environment) + Send + Sync + 'static {
        // A thread that builds environments must not keep the processes of a closed run.
        let zygotes = Arc::downgrade(&self.zygotes);
        move |environment| {
            if let Some(zygotes) = zygotes.upgrade() {
                // Start failures are reported by the job that needs the process.
                drop(zygotes.get(environment));
            }
        }
    }

    /// Adds the environments of models that ask for packages. Only the first call has an effect.
    pub(crate) fn add_packages(&self, packages: Packages) {
        self.environments.add(packages);
    }

    /// Returns the environments of models that ask for packages.
    pub(crate) fn packages(&self) -> Option<&Packages> {
        self.environments.packages()
    }

    /// Returns the definition of the environment called `name`, for runners that build it
    /// elsewhere; `None` for the runner's own Python.
    pub(crate) fn spec_of(
        &self,
        name: Option<&str>,
    ) -> Result<Option<EnvironmentSpec>, NoEnvironment> {
        self.environments.spec_of(name)
    }

    /// Makes all warm processes, including later ones, import these modules ahead of their jobs.
    pub(crate) fn preload(&self, modules: Vec<String>) {
        self.zygotes.preload(modules);
    }

    /// Ends the idle warm processes, since the project has no Python.
    pub(crate) fn hang_up(&self) {
        self.zygotes.hang_up();
    }

    /// Runs a job to its end, in the environment that its work names. Returns its end and its steps.
    pub(crate) fn run(&self, work: &Work<'_>) -> (JobEnd, Vec<Timing>) {
        let unstarted = |end| (end, Vec::new());
        let environment = match self.environments.get(work.environment) {
            Ok(environment) => environment,
            Err(NoEnvironment::Stopped) => return unstarted(JobEnd::Stopped(Stop::Interrupted)),
            Err(NoEnvironment::Failed(message)) => return unstarted(JobEnd::Crashed(message)),
        };
        match self.zygotes.get(&environment) {
            Ok(zygote) => job::run(work, &zygote, self.socket.path(), &self.jobs, &self.events),
            Err(error) => unstarted(JobEnd::Crashed(error.to_string())),
        }
    }

    /// Stops all jobs, including later ones.
    pub(crate) fn stop_jobs(&self, stop: &Stop) {
        self.jobs.stop_all(stop);
    }

    /// Stops all builds of environments, without waiting for their end.
    pub(crate) fn stop_builds(&self) {
        self.environments.stop();
    }

    /// Starts no more warm processes, and asks the running ones to exit.
    pub(crate) fn close(&self) {
        self.zygotes.close();
    }

    /// Accepts no more connections of jobs, stops all builds, and waits for the end of their
    /// processes until `deadline`.
    pub(crate) fn end_builds_by(&self, deadline: Instant) {
        self.socket.close();
        self.environments.end_by(deadline);
    }

    /// Waits for the exit of the warm processes; kills them at `deadline`.
    pub(crate) fn end_by(&self, deadline: Instant) {
        self.zygotes.end_by(deadline);
    }
}
