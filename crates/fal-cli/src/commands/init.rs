//! `fal-host init --example`: a project to begin with.

use std::path::Path;

use crate::{context::Context, error::CliError, exit::Ended};

pub(super) fn example(context: &Context, name: Option<&str>) -> Result<Ended, CliError> {
    let name = name.unwrap_or(fal_scaffold::EXAMPLE);
    let files = fal_scaffold::write_example(name, Path::new(name))?;
    context.output.status(&format!(
        "Wrote {} files to {name}\n\nNext:\n  cd {name}\n  fal-host setup    unless dbt-duckdb and pandas are installed\n  \
         fal-host build\n\nREADME.md says what there is.",
        files.len()
    ));
    Ok(Ended::Well)
}
