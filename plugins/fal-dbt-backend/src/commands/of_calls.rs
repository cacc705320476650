//! What all calls of a run have in common, and the calls that run nothing but hooks.

use std::{path::Path, sync::Arc};

use fal_plugin::{
    payload::{BeginRequest, LogLevel},
    PluginError,
};

use super::{
    arguments,
    call::Line,
    copied,
    outcome::is_hook,
    plan::{went_well, Plan},
    project::{is_dbt_2, Project},
    run_hooks::{self, Kinds, RunHooks, MODEL},
    state::{Inner, OfCalls},
};
use crate::{error::AskError, result};

impl Inner {
    /// Prepares the calls of a run. Builds of dbt 2 before the first beta get a copy of the project, as
    /// does a run with hooks that may need several calls.
    pub(super) fn of_calls(
        &self,
        project: &Project,
        plan: &Plan,
        begin: &BeginRequest,
    ) -> Result<OfCalls, AskError> {
        let mut of_calls = OfCalls {
            request: self.request.clone(),
            env: Vec::new(),
            hooks: None,
        };
        let (settings, version) = (&project.settings, project.manifest.metadata("dbt_version"));
        if is_dbt_2(version) {
            // With it, dbt 2 writes an error for each node of the call, also for those that it built.
            let words = &mut of_calls.request.dbt_args;
            words.retain(|word| word != "--fail-fast");
            of_calls.env.push(("DBT_FAIL_FAST", "false".to_owned()));
        }
        let needs_stubs = !project.stubs.is_empty() && copied::is_needed(version);
        let mut runs_again = project.has_hooks()
            && !begin.selected.is_empty()
            && self.request.command != arguments::OF_LAST_RUN
            && self.request.show_limit.is_none()
            && run_hooks::needs_several(plan, begin);
        if runs_again && !run_hooks::is_whole(settings) {
            self.warn_of_hooks("the project has folders that are not below its own");
            runs_again = false;
        }
        if !needs_stubs && !runs_again {
            return Ok(of_calls);
        }
        let stubs = project.stubs.iter().filter(|_| needs_stubs);
        let stubs = stubs.filter_map(|stub| project.manifest.node(stub));
        let copy = match copied::make(settings, &project.manifest, stubs) {
            Ok(copy) => copy,
            Err(cause) if needs_stubs => {
                let message = format!(
                    "dbt {version} needs a copy of the project below {}, which cannot be made: {cause}",
                    settings.target_path
                );
                let error = PluginError::new("engine::copy", message);
                return Err(AskError::Answered(error.with_help("Use dbt 2.0.0-beta.1 or newer, or the option `relation: target_schema` of the stub writer.")));
            }
            Err(cause) => {
                self.warn_of_hooks(&format!("a copy of the project cannot be made: {cause}"));
                return Ok(of_calls);
            }
        };
        if runs_again {
            match RunHooks::new(copy.clone(), settings) {
                Ok(hooks) => of_calls.hooks = Some(hooks),
                Err(cause) => {
                    self.warn_of_hooks(&cause.to_string());
                    if !needs_stubs {
                        return Ok(of_calls);
                    }
                }
            }
        }
        let (request, root) = (&mut of_calls.request, Path::new(&settings.project_root));
        request.project_dir = copy.display().to_string();
        request.profiles_dir = Some(settings.profiles_dir.display().to_string());
        request.target_path = Some(settings.target_path.clone());
        request.dbt_args = arguments::with_whole_paths(&request.dbt_args, root);
        if std::env::var_os("DBT_LOG_PATH").is_none() {
            let logs = root.join("logs").display().to_string();
            of_calls.env.push(("DBT_LOG_PATH", logs));
        }
        Ok(of_calls)
    }

    fn warn_of_hooks(&self, cause: &str) {
        let message = format!("on-run-start and on-run-end run in every call of dbt, of which there may be several: {cause}");
        self.log(LogLevel::Warn, "HooksRunAgain", message);
    }

    /// Runs on-run-start now if something may run before the first call of dbt.
    pub(super) fn start_hooks(
        self: &Arc<Self>,
        project: &Project,
        of_calls: &OfCalls,
        plan: &Plan,
        begin: &BeginRequest,
    ) -> Result<(), AskError> {
        let Some(hooks) = &of_calls.hooks else {
            return Ok(());
        };
        if !run_hooks::may_come_late(plan, begin) {
            return Ok(());
        }
        let failed = self.run_hooks(project, of_calls, hooks, hooks.start())?;
        match failed {
            Some(message) if skips_all(project) => {
                let error = PluginError::new("dbt::on_run_start", message);
                Err(AskError::Answered(error))
            }
            _ => Ok(()),
        }
    }

    /// Runs the hooks that no call of the run has run.
    pub(super) fn end_hooks(
        self: &Arc<Self>,
        project: &Project,
        of_calls: &OfCalls,
    ) -> Result<(), AskError> {
        let Some(hooks) = &of_calls.hooks else {
            return Ok(());
        };
        let Some(kinds) = hooks.rest() else {
            return Ok(());
        };
        let _turn = self.dbts_turn()?;
        self.run_hooks(project, of_calls, hooks, kinds).map(drop)
    }

    /// Notes what the log of a call says of its hooks.
    pub(super) fn heard_of_hooks<'a>(
        project: &Project,
        hooks: &RunHooks,
        heard: impl Iterator<Item = &'a fal_plugin::payload::NodeResult>,
    ) {
        let mut failed = heard.filter(|result| {
            is_hook(&result.unique_id)
                && run_hooks::is_start(&result.unique_id)
                && result.status.is_failure()
        });
        if failed.next().is_some() && skips_all(project) {
            hooks.give_up();
        }
    }

    /// Runs hooks in a call without nodes. Returns dbt's words if one of them failed.
    fn run_hooks(
        self: &Arc<Self>,
        project: &Project,
        of_calls: &OfCalls,
        hooks: &RunHooks,
        kinds: Kinds,
    ) -> Result<Option<String>, AskError> {
        let wrong = |cause: std::io::Error| {
            let message = format!("{} of the project cannot run: {cause}", kinds.words());
            AskError::Answered(PluginError::new("engine::copy", message))
        };
        // The artifacts of the run must not know the model.
        let target = Path::new(&project.settings.target_path).join("fal/hooks");
        let mut request = of_calls.request.clone();
        request.target_path = Some(target.display().to_string());
        let mut command = arguments::command_of(&request).to_owned();
        if !matches!(&*command, "run" | "build") {
            // These run no models, and their flags are not those of `run`.
            "run".clone_into(&mut command);
            request.dbt_args.clear();
        }
        hooks.add_model().map_err(wrong)?;
        let words = arguments::run(&request, &command, vec![format!("fqn:{MODEL}")]);
        let env = of_calls.env(Some(&format!("{} alone", kinds.words())));
        let inner = Arc::clone(self);
        self.log(
            LogLevel::Debug,
            "Batch",
            format!("a call of dbt: {}", kinds.words()),
        );
        let ended = self.program.call_with(&words, &env, move |line| {
            if !matches!(&line, Line::Event(event) if event.level == LogLevel::Error) {
                inner.show(&line, true);
            }
        });
        hooks.remove_model().map_err(wrong)?;
        let ended = ended?;
        let mut results = self.results.lock();
        let rows = results
            .file
            .as_mut()
            .map(|file| file.take_hooks(&target, kinds))
            .unwrap_or_default();
        if ended.failure.is_none() {
            return Ok(None);
        }
        if rows.iter().all(|row| went_well(row.status)) && !self.cancel.is_set() {
            results
                .problems
                .push(result::failure("dbt", ended.message()));
        }
        Ok(Some(ended.message()))
    }
}

/// Returns whether `dbt compile` would run hooks of this project: that of dbt 2 does.
pub(super) fn compile_runs_hooks(project: &Project) -> bool {
    project.has_hooks() && is_dbt_2(project.manifest.metadata("dbt_version"))
}

/// Returns whether dbt runs nothing after an on-run-start that failed.
fn skips_all(project: &Project) -> bool {
    let flags = project.settings.project.get("flags");
    let flag = flags.and_then(|flags| flags.get("skip_nodes_if_on_run_start_fails"));
    is_dbt_2(project.manifest.metadata("dbt_version")) || flag == Some(&true.into())
}
