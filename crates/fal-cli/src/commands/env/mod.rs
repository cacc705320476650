//! `fal-host env list|create|clean`: the Python environments of models.

mod clean;
mod create;
mod defined;
mod list;

use crate::{args::EnvCommand, context::Context, error::CliError, exit::Ended};

pub(super) fn env(context: &Context, command: &EnvCommand) -> Result<Ended, CliError> {
    match command {
        EnvCommand::List { output } => list::list(context, *output),
        EnvCommand::Create { names } => create::create(context, names),
        EnvCommand::Clean {
            names,
            all,
            unused_for,
        } => clean::clean(context, names, *all, *unused_for),
    }
}
