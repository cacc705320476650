//! Flags that select nodes, and those that name the artifacts of an earlier run.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use fal_graph::Criteria;

use super::global::absolute;
use crate::error::CliError;

/// Flags that select nodes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectArgs {
    /// Nodes to select, in dbt's syntax; spaces separate a union, commas an intersection
    #[arg(short, long, visible_aliases = ["models", "model"], short_alias = 'm', value_name = "SELECTION", num_args = 1.., action = ArgAction::Append)]
    pub(crate) select: Vec<String>,
    /// Nodes to exclude
    #[arg(long, value_name = "SELECTION", num_args = 1.., action = ArgAction::Append)]
    pub(crate) exclude: Vec<String>,
    /// A selector of selectors.yml
    #[arg(long, value_name = "NAME")]
    pub(crate) selector: Option<String>,
    /// Which tests come with their nodes: eager, cautious, buildable or empty
    #[arg(
        long,
        value_name = "MODE",
        env = "DBT_INDIRECT_SELECTION",
        hide_env = true
    )]
    pub(crate) indirect_selection: Option<String>,
    #[command(flatten)]
    state: StateArgs,
}

impl SelectArgs {
    pub(crate) fn criteria(&self) -> Result<Criteria, CliError> {
        let indirect = match self.indirect_selection.as_deref() {
            None => fal_graph::IndirectSelection::default(),
            Some(name) => name.parse().map_err(|_| {
                CliError::usage(format!(
                    "`--indirect-selection` is eager, cautious, buildable or empty, not `{name}`"
                ))
            })?,
        };
        Ok(Criteria {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            indirect,
            ..Criteria::default()
        })
    }

    /// Returns these flags as words of a dbt command line.
    pub(crate) fn dbt_args(&self) -> Vec<String> {
        self.state.dbt_args()
    }
}

/// Flags on artifacts of an earlier run: what `state:` compares with, and whether unbuilt parents are
/// read from there. dbt does the work, and reads `DBT_DEFER`, `DBT_FAVOR_STATE`, ... itself.
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
    /// Read unselected, unbuilt parents from where the artifacts say
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
    /// With `--defer`: prefer the artifacts even for parents that exist here
    #[arg(long, overrides_with = "no_favor_state", help_heading = "State")]
    pub(crate) favor_state: bool,
    /// Undoes --favor-state and DBT_FAVOR_STATE
    #[arg(long, hide = true, overrides_with = "favor_state")]
    pub(crate) no_favor_state: bool,
}

impl StateArgs {
    /// Returns these flags as words of a dbt command line.
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
