//! Flags of the forerunner that every command takes and no help shows: scripts and CI jobs that give them keep working.

use clap::Args;

/// Flags of the forerunner.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LegacyArgs {
    /// No log lines; results, the output of models and errors are shown as always
    #[arg(long, global = true, hide = true)]
    pub(crate) disable_logging: bool,
    /// No effect: there is one way to run
    #[arg(long, global = true, hide = true)]
    experimental_flow: bool,
    /// No effect: Python models are always on
    #[arg(long, global = true, hide = true, alias = "experimental-python-models")]
    experimental_models: bool,
    /// Threads, if `--threads` does not say how many
    #[arg(long, global = true, hide = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) experimental_threads: Option<u32>,
}
