//! What an installation adds beside the program: completions for shells, and manual pages.

use std::path::Path;

use clap_complete::Shell;
use fal_files::Root;

use crate::{args::Cli, context::Context, error::CliError, exit::Ended};

/// Prints the completions for a shell.
pub(super) fn completions(context: &Context, shell: Shell) -> Result<Ended, CliError> {
    let (mut program, mut script) = (Cli::full_command(), Vec::new());
    let name = program.get_name().to_owned();
    clap_complete::generate(shell, &mut program, name, &mut script);
    context.output.data(&String::from_utf8_lossy(&script))?;
    Ok(Ended::Well)
}

/// Writes a page for the program and one for each command, and says how many.
pub(super) fn man_pages(context: &Context, folder: &Path) -> Result<Ended, CliError> {
    let root = Root::create(folder)?;
    let mut program = Cli::full_command().disable_help_subcommand(true);
    program.build();
    let mut pages = 0_usize;
    let mut left = vec![program];
    while let Some(command) = left.pop() {
        let shown = |inner: &&clap::Command| !inner.is_hide_set();
        left.extend(command.get_subcommands().filter(shown).cloned());
        // Its own `generate_to` follows links out of the folder.
        let page = clap_mangen::Man::new(command);
        let mut text = Vec::new();
        page.render(&mut text)?;
        root.write(Path::new(&page.get_filename()), &text)?;
        pages += 1;
    }
    context
        .output
        .status(&format!("Wrote {pages} pages to {}", folder.display()));
    Ok(Ended::Well)
}
