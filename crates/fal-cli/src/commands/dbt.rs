//! The commands that dbt itself runs.

use crate::{args::DbtCommand, context::Context, error::CliError, exit::Ended};

pub(super) fn dbt(_context: &Context, _command: &DbtCommand) -> Result<Ended, CliError> {
    Err(CliError::usage("not yet"))
}
