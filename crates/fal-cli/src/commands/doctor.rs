//! `fal-host doctor`.

use super::Context;
use crate::{error::CliError, exit::Ended};

pub(super) fn doctor(_context: &Context) -> Result<Ended, CliError> {
    Ok(Ended::Well)
}
