//! The commands, one in each file, and the program that dispatches them.

mod check;
mod dbt;
mod doctor;
mod env;
mod generate;
mod graph;
mod init;
mod install;
mod plugin;
mod run;
mod setup;
mod show;

use std::{panic::AssertUnwindSafe, process::ExitCode};

use crate::{
    args::{Cli, Command, DbtCommand, FlowCommand, GlobalArgs, LogFormat},
    context::Context,
    drop_in::Line,
    error::CliError,
    exit::{self, Ended},
    output::Output,
    signals, usage,
};

/// Runs the program: parses its command line and dispatches the command.
pub(crate) fn main() -> ExitCode {
    let mut global = GlobalArgs::default();
    let line = match Line::of_process() {
        Ok(line) => line,
        Err(error) => return error.show(&Output::new(&global)).code().into(),
    };
    global.log_format = LogFormat::guess(&line.words);
    if line.asks_for_version() {
        global.python = line.python();
        let context = Context::new(global, vec!["--version".to_owned()]);
        let ended = dbt::dbt(&context, context.dbt_words.clone())
            .unwrap_or_else(|error| error.show(&context.output));
        return ended.code().into();
    }
    let mut cli = match Cli::parse_words(line.words.clone()) {
        Ok(cli) => cli,
        Err(error) => match usage::error(&error) {
            Some(mistake) => return mistake.show(&Output::new(&global)).code().into(),
            None => return help(&error),
        },
    };
    if let Err(error) = line.check(&cli) {
        return error.show(&Output::new(&cli.global)).code().into();
    }
    cli.global.python = cli.global.python.or_else(|| line.python());
    let context = Context::new(cli.global, cli.dbt_words);
    if !matches!(cli.command, Command::Dbt(_) | Command::Show(_)) {
        signals::listen(&context.interrupt);
    }
    exit::leave_on_hang(&context.output);
    let program = AssertUnwindSafe(|| {
        dispatch(&context, &cli.command).unwrap_or_else(|error| error.show(&context.output))
    });
    exit::run(&context.output, || {
        let ended = program();
        // Plugins whose sessions a failed command still holds.
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
        Command::Run(args) | Command::Flow(FlowCommand::Run(args)) => {
            run::run(context, args.verb()?)
        }
        Command::Build(args) => run::run(context, args.verb()?),
        Command::Test(args) => run::run(context, args.verb()?),
        Command::Seed(args) => run::run(context, args.verb()?),
        Command::Snapshot(args) => run::run(context, args.verb()?),
        Command::Retry(args) => run::retry(context, args),
        Command::Dbt(DbtCommand::Init {
            project_name,
            example: true,
        }) => init::example(context, project_name.as_deref()),
        Command::Show(args) => show::show(context, args),
        Command::Dbt(_) => dbt::dbt(context, context.dbt_words.clone()),
        Command::Hooks(args) => run::hooks(context, args),
        Command::Generate(args) => generate::generate(context, args),
        Command::Check(args) => check::check(context, args),
        Command::Ls(args) => graph::ls(context, args),
        Command::Graph(args) => graph::graph(context, args),
        Command::Plugin(command) => plugin::plugin(context, command),
        Command::Env(command) => env::env(context, command),
        Command::Doctor => doctor::doctor(context),
        Command::Setup(args) => setup::setup(context, args),
        Command::Completions { shell } => install::completions(context, *shell),
        Command::ManPages { folder } => install::man_pages(context, folder),
    }
}
