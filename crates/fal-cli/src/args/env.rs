//! The command line of `env`.

use clap::Subcommand;

use super::global::LogFormat;

/// Commands of `env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// Show the environments that this project defines, and all others in the cache
    #[command(
        after_help = "Examples:\n  fal-host env list\n  fal-host env list --output json\n\n\
        The cache identifies environments by their content, and shares them between projects."
    )]
    List {
        /// Form of the list
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: LogFormat,
    },
    /// Build environments before the runs that need them
    #[command(
        after_help = "Examples:\n  fal-host env create\n  fal-host env create forecasting\n\n\
        Exit codes: 0 all are ready, 1 one could not be built."
    )]
    Create {
        /// Names in fal_project.yml [default: all]
        names: Vec<String>,
    },
    /// Remove leftovers of killed builds, and environments that nothing used for long
    #[command(
        after_help = "Examples:\n  fal-host env clean\n  fal-host env clean --unused-for 7\n  \
        fal-host env clean forecasting\n  fal-host env clean --all\n\n\
        Environments that a run uses or builds right now stay."
    )]
    Clean {
        /// Names in fal_project.yml: remove just these
        names: Vec<String>,
        /// Remove all environments of the user, whatever projects they belong to
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// Days without use before an environment goes
        #[arg(long, value_name = "DAYS", default_value_t = 30, conflicts_with_all = ["names", "all"])]
        unused_for: u64,
    },
}
