//! The commands that dbt itself runs.

use std::process::Command;

use fal_host::DbtCommand;

use crate::{context::Context, error::CliError, exit::Ended, signals};

/// Runs a command of dbt with the user's terminal. `words` are its command line, the command's name
/// first.
pub(super) fn dbt(context: &Context, words: Vec<String>) -> Result<Ended, CliError> {
    let is_group = |word: &String| matches!(word.as_str(), "docs" | "source");
    let count = 1 + usize::from(words.first().is_some_and(is_group));
    let name = words[..count.min(words.len())].join(" ");
    let args = context.global.project_args();
    let command = context.report(|reporters| DbtCommand::new(args, &name, words, reporters))?;
    let line = &command.line;
    let mut program = Command::new(&line.program);
    program.args(&line.args).envs(&line.env);
    if let Some(folder) = &command.folder {
        program.current_dir(folder);
    }
    let status = signals::run(&mut program).map_err(|cause| CliError::Program {
        message: format!("{} did not start: {cause}", line.program),
        help: None,
    })?;
    context.report(|reporters| command.finish(reporters, &context.interrupt))?;
    Ok(Ended::with_status(status))
}
