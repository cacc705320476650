//! `fal-host plugin new`: a plugin to begin with.

use std::{
    env,
    fmt::Write,
    path::{Path, PathBuf},
};

use fal_scaffold::{Interface, Language, PluginName, Scaffold};

use crate::{
    args::{LanguageArg, NewPluginArgs},
    context::Context,
    error::CliError,
    exit::Ended,
};

pub(super) fn new(context: &Context, args: &NewPluginArgs) -> Result<Ended, CliError> {
    let language = match args.language {
        LanguageArg::Rust => Language::Rust,
        LanguageArg::Python => Language::Python,
    };
    let name = PluginName::new(&args.name)?;
    let folder = args
        .dir
        .clone()
        .unwrap_or_else(|| PathBuf::from(name.as_str()));
    let interface = match &args.interface {
        Some(named) => Interface::at(named)?,
        None => Interface::from_program(&env::current_exe()?),
    };
    let scaffold = Scaffold {
        name,
        stage: args.stage,
        language,
        interface,
    };
    let files = scaffold.write(&folder)?;
    context.output.status(&summary(&scaffold, &folder, &files));
    Ok(Ended::Well)
}

/// Says what was written, and what to do next.
fn summary(scaffold: &Scaffold, folder: &Path, files: &[PathBuf]) -> String {
    let (name, stage, folder) = (scaffold.name.as_str(), scaffold.stage, folder.display());
    let mut text = format!(
        "Wrote {name} ({stage}): {} files in {folder}\n\nNext:\n  cd {folder}\n",
        files.len()
    );
    for command in scaffold.next() {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {command}");
    }
    if scaffold.language == Language::Rust && scaffold.interface == Interface::Registry {
        text += "\nThis fal-host came without the sources of the interface: Cargo.toml names them by version.\n";
    }
    text + "\nREADME.md says more."
}
