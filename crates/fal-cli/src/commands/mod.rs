//! The commands, one a file.

mod check;
mod doctor;
pub(crate) mod env;
mod generate;
mod graph;
pub(crate) mod hooks;
mod ls;
pub(crate) mod plugin;
mod retry;
mod setup;
mod verbs;

use std::{panic::AssertUnwindSafe, process::ExitCode};

use fal_host::Interrupt;

use crate::{
    args::{Cli, Command, FlowCommand, GlobalArgs},
    complaint,
    error::CliError,
    exit::{self, Ended},
    hang,
    output::Output,
    signals,
};

/// What every command gets.
pub(crate) struct Context {
    pub(crate) global: GlobalArgs,
    pub(crate) output: Output,
    pub(crate) interrupt: Interrupt,
}

/// The whole program.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::of_words(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => match complaint::of(&error) {
            Some(mistake) => {
                return mistake
                    .show(&Output::new(&GlobalArgs::default()))
                    .code()
                    .into();
            }
            None => return help(&error),
        },
    };
    let interrupt = Interrupt::new();
    signals::listen(&interrupt);
    hang::end_with(&cli.global);
    let context = Context {
        output: Output::new(&cli.global),
        global: cli.global,
        interrupt,
    };
    let program = AssertUnwindSafe(|| {
        dispatch(&context, &cli.command).unwrap_or_else(|error| error.show(&context.output))
    });
    exit::run(&context.output, || {
        let ended = program();
        // Those that are still in someone's hands.
        fal_host::plugins::end_all();
        ended
    })
}

/// clap prints help and versions to standard output with code 0, or to standard error with code 2.
fn help(error: &clap::Error) -> ExitCode {
    // There is nowhere left to say that the stream is gone.
    let _ = error.print();
    let ended = if error.exit_code() == 0 {
        Ended::Well
    } else {
        Ended::Wrong
    };
    ended.code().into()
}

fn dispatch(context: &Context, command: &Command) -> Result<Ended, CliError> {
    match command {
        Command::Run(args) | Command::Flow(FlowCommand::Run(args)) => verbs::run(context, args),
        Command::Build(args) => verbs::build(context, args),
        Command::Test(args) => verbs::test(context, args),
        Command::Seed(args) => verbs::seed(context, args),
        Command::Snapshot(args) => verbs::snapshot(context, args),
        Command::Retry(args) => retry::retry(context, args),
        Command::Hooks(args) => hooks::hooks(context, args),
        Command::Generate(args) => generate::generate(context, args),
        Command::Check(args) => check::check(context, args),
        Command::Ls(args) => ls::ls(context, args),
        Command::Graph(args) => graph::graph(context, args),
        Command::Plugin(command) => plugin::plugin(context, command),
        Command::Env(command) => env::env(context, command),
        Command::Doctor => doctor::doctor(context),
        Command::Setup(args) => setup::setup(context, args),
    }
}
