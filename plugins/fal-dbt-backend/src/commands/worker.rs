//! The process that serves jobs over the manifest.

use std::{
    path::Path,
    sync::{Arc, Weak},
};

use fal_plugin::{payload::NodeResult, PluginError};
use serde_json::{json, Map, Value};

use super::{
    arguments,
    call::ENVIRONMENT,
    of_calls::compile_runs_hooks,
    outcome::Row,
    state::{Inner, Loaded},
};
use crate::{
    cancel,
    dbt::DbtProcess,
    engine::{Engine, JobClose, JobOpen},
    error::{AskError, StartError},
};

impl Inner {
    /// Returns the process that serves jobs. Starts it for the first of them.
    pub(super) fn worker(&self) -> Result<Arc<DbtProcess>, AskError> {
        let mut worker = self.worker.lock();
        if self.cancel.is_set() && worker.is_none() {
            return Err(AskError::Lost(cancel::interrupted()));
        }
        let started =
            worker.get_or_insert_with(|| self.started_worker().map_err(PluginError::from));
        started.clone().map_err(AskError::Answered)
    }

    fn started_worker(&self) -> Result<Arc<DbtProcess>, AskError> {
        let loaded = self.loaded()?;
        let failed = |error: StartError| AskError::Answered(error.into());
        let process = Arc::new((self.start_worker)().map_err(failed)?);
        if let Some(client) = self.client.get() {
            process.listen(Weak::clone(client)).map_err(failed)?;
        }
        let settings = &loaded.project.settings;
        process.command(
            "load",
            &json!({
                "python_models": loaded.request.python_models,
                "gateway": { "socket_dir": loaded.socket_dir },
                "manifest": settings.kept_manifest(),
                "settings": settings,
                "runs_native": !loaded.project.dbt_runs_python,
                "materialized": loaded.project.materialized,
                "compile": self.compile_command(loaded),
            }),
        )?;
        if let Some(begun) = self.begun.get() {
            process.begin(&begun.request)?;
        }
        Ok(process)
    }

    /// Returns how the process has dbt compile SQL; `None` where dbt would run hooks for it.
    fn compile_command(&self, loaded: &Loaded) -> Option<Value> {
        let of_calls = &self.begun.get()?.of_calls;
        let (project, hooks) = (&loaded.project, of_calls.hooks.as_ref());
        if hooks.is_none() && compile_runs_hooks(project) {
            return None;
        }
        let mut request = of_calls.request.clone();
        // Artifacts of the run stay as they are.
        let target = Path::new(&project.settings.target_path).join("fal/inline");
        request.target_path = Some(target.display().to_string());
        let mut words = vec![self.program.path.display().to_string()];
        words.extend(arguments::compile(&request));
        let own = of_calls.env(hooks.map(|_| "none"));
        let mut env: Map<String, Value> = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        env.extend(ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.into())));
        Some(json!({ "words": words, "env": env }))
    }

    /// Returns the process if it was started.
    pub(super) fn running_worker(&self) -> Option<Arc<DbtProcess>> {
        self.worker.lock().as_ref()?.as_ref().ok().map(Arc::clone)
    }

    /// Opens a job in the turn of jobs.
    pub(super) fn in_turn<R>(
        &self,
        request: &JobOpen<'_>,
        open: impl FnOnce(&DbtProcess) -> Result<R, AskError>,
    ) -> Result<R, AskError> {
        let owner = &request.owner;
        let node = owner.role.is_none().then_some(owner.unique_id);
        let worker = self.enter(request.job, node)?;
        open(&worker).inspect_err(|_| self.leave(request.job))
    }

    /// Waits for the turn of jobs, and notes a job of `node`, or of none.
    fn enter(&self, job: &str, node: Option<&str>) -> Result<Arc<DbtProcess>, AskError> {
        let worker = self.worker()?;
        self.send_results(&worker)?;
        let turns = &self.loaded()?.turns;
        turns.enter(job).map_err(AskError::Answered)?;
        if let Some(unique_id) = node {
            let unique_id = unique_id.to_owned();
            self.jobs.lock().insert(job.to_owned(), unique_id);
        }
        Ok(worker)
    }

    /// Returns whether dbt would refuse to run this node, so that it runs as a job.
    pub(super) fn runs_as_job(&self, unique_id: &str) -> Result<bool, AskError> {
        let project = &self.loaded()?.project;
        let node = project.manifest.node(unique_id);
        Ok(node.is_some_and(|node| project.is_run_by_host(node)))
    }

    /// Runs a dbt-native model as a job, where dbt itself runs none.
    pub(super) fn run_native(&self, unique_id: &str) -> Result<NodeResult, AskError> {
        self.schedule()?.reached(unique_id);
        let job = format!("native {unique_id}");
        let worker = self.enter(&job, Some(unique_id))?;
        self.after(&job, worker.run(unique_id))
    }

    /// Sends the results that the worker has not heard of: scripts may ask for them.
    fn send_results(&self, worker: &DbtProcess) -> Result<(), AskError> {
        let unsent: Vec<Row> = {
            let mut results = self.results.lock();
            let unsent = std::mem::take(&mut results.unsent);
            unsent
                .iter()
                .filter_map(|node| results.rows.get(node).cloned())
                .collect()
        };
        unsent
            .iter()
            .try_for_each(|row| worker.command("record", row))
    }

    /// Closes a job, and ends its turn.
    pub(super) fn after_turn(
        &self,
        request: &JobClose<'_>,
        close: impl FnOnce(&DbtProcess) -> Result<NodeResult, AskError>,
    ) -> Result<NodeResult, AskError> {
        let result = self.worker().and_then(|worker| close(&worker));
        self.after(request.job, result)
    }

    /// Ends the turn of a job that has ended, and notes its result.
    fn after(
        &self,
        job: &str,
        result: Result<NodeResult, AskError>,
    ) -> Result<NodeResult, AskError> {
        self.leave(job);
        result.inspect(|result| self.ended(result))
    }

    fn leave(&self, job: &str) {
        self.jobs.lock().remove(job);
        if let Some(loaded) = self.loaded.get() {
            loaded.turns.leave(job);
        }
    }
}
