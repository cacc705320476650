//! What every command works with.

use std::sync::Arc;

use fal_host::{HostError, Interrupt};
use fal_report::Reporters;

use crate::{args::GlobalArgs, error::CliError, output::Output};

/// The flags that every command takes, where it writes, and the user's Ctrl-C.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs) -> Self {
        Self {
            output: Output::new(&global),
            global,
            interrupt: Interrupt::new(),
        }
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
}
