//! Flags on artifacts of an earlier run: what `state:` compares with, and whether unbuilt parents are read from there.
//! dbt itself does all of it and reads its own environment variables (`DBT_DEFER`, `DBT_FAVOR_STATE`, ...).

use std::path::{Path, PathBuf};

use clap::Args;

/// Artifacts of an earlier run.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct StateArgs {
    /// Artifacts of an earlier run, for `state:`, `result:` and `--defer`
    #[arg(
        long,
        value_name = "DIR",
        env = "DBT_STATE",
        hide_env = true,
        help_heading = "State"
    )]
    pub(crate) state: Option<PathBuf>,
    /// Read what is not selected and not built here from where the artifacts say
    #[arg(long, overrides_with = "no_defer", help_heading = "State")]
    pub(crate) defer: bool,
    /// Undoes --defer and DBT_DEFER
    #[arg(long, hide = true, overrides_with = "defer")]
    pub(crate) no_defer: bool,
    /// Artifacts for `--defer` alone
    #[arg(
        long,
        value_name = "DIR",
        env = "DBT_DEFER_STATE",
        hide_env = true,
        help_heading = "State"
    )]
    pub(crate) defer_state: Option<PathBuf>,
    /// With `--defer`: also read from there what is built here
    #[arg(long, overrides_with = "no_favor_state", help_heading = "State")]
    pub(crate) favor_state: bool,
    /// Undoes --favor-state and DBT_FAVOR_STATE
    #[arg(long, hide = true, overrides_with = "favor_state")]
    pub(crate) no_favor_state: bool,
}

impl StateArgs {
    /// What dbt must be told of it.
    pub(crate) fn dbt_args(&self) -> Vec<String> {
        let folders = [
            ("--state", &self.state),
            ("--defer-state", &self.defer_state),
        ];
        let given = folders
            .into_iter()
            .filter_map(|(flag, folder)| Some((flag, folder.as_deref()?)));
        let mut words: Vec<String> = given
            .flat_map(|(flag, folder)| [flag.to_owned(), absolute(folder)])
            .collect();
        let switches = [
            ("--defer", self.defer),
            ("--no-defer", self.no_defer),
            ("--favor-state", self.favor_state),
            ("--no-favor-state", self.no_favor_state),
        ];
        words.extend(
            switches
                .into_iter()
                .filter(|(_, on)| *on)
                .map(|(flag, _)| flag.to_owned()),
        );
        words
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}
