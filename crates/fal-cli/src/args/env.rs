//! The command line of `env`.

use clap::Subcommand;

use super::global::LogFormat;

/// Commands of `env`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvCommand {
    /// Show the environments that this project defines, and all others that are kept
    #[command(
        after_help = "Examples:\n  fal-host env list\n  fal-host env list --output json\n\n\
        Environments are kept by content in the user's cache folder, and shared between projects."
    )]
    List {
        /// Form of the list
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: LogFormat,
    },
    /// Build environments ahead of the runs that need them
    #[command(
        after_help = "Examples:\n  fal-host env create\n  fal-host env create forecasting\n\n\
        Exit codes: 0 all are ready, 1 one could not be built."
    )]
    Create {
        /// Names in fal_project.yml [default: all]
        names: Vec<String>,
    },
    /// Remove what killed builds left, and environments that were not used for long
    #[command(
        after_help = "Examples:\n  fal-host env clean\n  fal-host env clean --unused-for 7\n  \
        fal-host env clean forecasting\n  fal-host env clean --all\n\n\
        What a run uses or builds at the moment stays."
    )]
    Clean {
        /// Names in fal_project.yml: remove just these
        names: Vec<String>,
        /// Remove all environments of the user, whatever projects they belong to
        #[arg(long, conflicts_with = "names")]
        all: bool,
        /// How many days without use are long
        #[arg(long, value_name = "DAYS", default_value_t = 30, conflicts_with_all = ["names", "all"])]
        unused_for: u64,
    },
}
