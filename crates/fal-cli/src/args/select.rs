//! Flags that say which nodes.

use clap::{ArgAction, Args};
use fal_graph::Criteria;

use super::state::StateArgs;
use crate::error::CliError;

/// Which nodes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectArgs {
    /// Nodes to take, in dbt's syntax; may hold several, separated by spaces (union) or commas (intersection)
    #[arg(short, long, visible_aliases = ["models", "model"], short_alias = 'm', value_name = "SELECTION", num_args = 1.., action = ArgAction::Append)]
    pub(crate) select: Vec<String>,
    /// Nodes to leave out
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

    /// What dbt must be told of it.
    pub(crate) fn dbt_args(&self) -> Vec<String> {
        self.state.dbt_args()
    }
}
