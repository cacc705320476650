//! `fal-host setup`.

use super::Context;
use crate::{args::SetupArgs, error::CliError, exit::Ended};

pub(super) fn setup(_context: &Context, _args: &SetupArgs) -> Result<Ended, CliError> {
    Ok(Ended::Well)
}
