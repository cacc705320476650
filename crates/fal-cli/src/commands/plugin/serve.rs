//! `fal-host plugin serve`: a library as a plugin in a process of its own.

use std::path::Path;

use fal_host::plugins;

use crate::{error::CliError, exit::Ended};

pub(super) fn serve(library: &Path) -> Result<Ended, CliError> {
    plugins::serve_library(&std::path::absolute(library)?)?;
    Ok(Ended::Well)
}
