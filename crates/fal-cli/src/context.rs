//! What every command works with.

use std::sync::Arc;

use fal_host::{HostError, Interrupt, ProjectArgs};
use fal_plugin::payload::LogLevel;
use fal_report::{EventKind, Reporters};
use fal_telemetry::Telemetry;
use jiff::Timestamp;

use crate::{args::GlobalArgs, error::CliError, output::Output};

/// The flags that every command takes, where it writes, and the user's Ctrl-C.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
    /// Words for dbt's command line.
    pub(crate) dbt_words: Vec<String>,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs, dbt_words: Vec<String>) -> Self {
        Self {
            output: Output::new(&global),
            global,
            interrupt: Interrupt::new(),
            dbt_words,
        }
    }

    /// Returns what the command line says about the project, with these words for dbt.
    pub(crate) fn project_args(&self, dbt_args: Vec<String>) -> ProjectArgs {
        let mut args = self.global.project_args();
        args.session.dbt_args = [self.dbt_words.clone(), dbt_args].concat();
        args
    }

    /// Runs `work` with the reporters of this command, and ends them after it.
    pub(crate) fn report<T>(
        &self,
        work: impl FnOnce(&Arc<Reporters>) -> Result<T, HostError>,
    ) -> Result<T, CliError> {
        let reporters = Arc::new(self.output.reporters());
        let outcome = work(&reporters);
        reporters.finish()?;
        Ok(outcome?)
    }

    /// Runs `work`, which runs nodes for the command of this name: what the environment configures for it
    /// listens too.
    pub(crate) fn report_run<T>(
        &self,
        command: &str,
        work: impl FnOnce(&Arc<Reporters>) -> Result<T, HostError>,
    ) -> Result<T, CliError> {
        let reporters = Arc::new(self.output.reporters());
        let telemetry = Telemetry::from_environment(command);
        telemetry.listen(&reporters);
        let outcome = work(&reporters);
        let error = outcome.as_ref().err().map(ToString::to_string);
        for message in telemetry.finish(error.as_deref()) {
            let kind = EventKind::Log {
                level: LogLevel::Warn,
                name: None,
                unique_id: None,
                message,
            };
            reporters.emit(Timestamp::now(), kind);
        }
        reporters.finish()?;
        Ok(outcome?)
    }
}
