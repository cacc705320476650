//! The command line. Flags keep dbt's names, meaning and environment variables.

mod dbt;
mod env;
mod global;
mod plugin;
mod precedence;
#[cfg(test)]
mod reference;
mod select;
#[cfg(test)]
mod tests;
mod vars;
mod verbs;
mod word_order;

use std::{ffi::OsString, path::PathBuf};

use serde_json::{Map, Value};

use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub(crate) use self::{
    env::EnvCommand,
    global::{GlobalArgs, LogFormat},
    plugin::{CheckLibraryArgs, LanguageArg, NewPluginArgs, PluginCommand},
    select::SelectArgs,
    verbs::{
        BuildArgs, RetryArgs, RunArgs, SeedArgs, ShowArgs, ShowOutput, SnapshotArgs, TestArgs, Verb,
    },
};

/// Use Python files and notebooks as dbt models, in the same DAG as your SQL.
///
/// Put `.py` or `.ipynb` files into the model paths of a dbt project. Each reads with `ref(...)` and
/// `source(...)` and calls `write_to_model(df)` once. `fal-host run` runs them with the SQL models, in
/// the right order.
#[derive(Debug, Parser)]
#[command(
    name = "fal-host",
    version,
    propagate_version = true,
    disable_version_flag = true,
    arg_required_else_help = true,
    infer_long_args = true,
    args_override_self = true
)]
#[command(
    after_help = "Examples:\n  fal-host setup                 create a .venv with dbt and the project's adapter\n  \
    fal-host run                   run all models, SQL and Python\n  \
    fal-host run --select +report  run `report` and everything it needs\n  \
    fal-host build                 run and test everything\n  \
    fal-host generate --check      in CI: are the stubs up to date?\n\n\
    Documentation: the folder `docs`, and `fal-host help COMMAND`."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Words for dbt's command line: the flags that dbt alone knows, or, of a command that dbt itself
    /// runs, the whole line.
    #[arg(skip)]
    pub(crate) dbt_words: Vec<String>,
}

impl Cli {
    /// Parses a command line, the program's name first.
    ///
    /// # Errors
    /// Those of clap: a mistake, or help that was asked for.
    pub(crate) fn parse_words(
        words: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, clap::Error> {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        let cli = Self::parse_with(words.clone(), &Map::new())?;
        let project_dir = cli.global.project_dir.as_deref();
        let flags = fal_project::project_flags(project_dir);
        if flags.is_empty() {
            return Ok(cli);
        }
        Self::parse_with(words, &flags)
    }

    /// Parses a command line, with these flags of dbt_project.yml as defaults.
    fn parse_with(words: Vec<OsString>, flags: &Map<String, Value>) -> Result<Self, clap::Error> {
        let mut command = precedence::applied(Self::full_command(), flags);
        let words = word_order::flags_last(&command, words);
        let mut matches = command.try_get_matches_from_mut(words)?;
        let (mut inner, mut of_inner, mut path) = (&command, &matches, Vec::new());
        while let Some((name, deeper)) = of_inner.subcommand() {
            path.push(name);
            (inner, of_inner) = (inner.find_subcommand(name).unwrap_or(inner), deeper);
        }
        let is_of_dbt = dbt::is_command(&path);
        let (some, all) = if is_of_dbt {
            (dbt::words(inner, of_inner), dbt::all_words(inner, of_inner))
        } else {
            (Vec::new(), Vec::new())
        };
        let handed: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let mut cli =
            Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
        let line = [handed, all].concat();
        cli.dbt_words = match &mut cli.command {
            Command::Dbt(_) => line,
            Command::Show(args) => {
                args.line = line;
                some
            }
            _ => some,
        };
        Ok(cli)
    }

    /// Returns clap's command with all flags of dbt.
    pub(crate) fn full_command() -> clap::Command {
        dbt::with_flags(Self::command())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run models: SQL, Python and notebooks in one DAG
    #[command(
        after_help = "Examples:\n  fal-host run\n  fal-host run --select staging+ --exclude tag:slow\n  \
        fal-host run --select models/forecast.ipynb --threads 4\n  fal-host run --target prod --vars '{day: 2024-01-31}'\n\n\
        Exit codes: 0 success, 1 a node failed, 2 the command, the project or a plugin is wrong, 130 interrupted."
    )]
    Run(RunArgs),
    /// Run seeds, snapshots, models and tests in the order of the DAG; a test that fails stops what depends on its node
    #[command(
        after_help = "Examples:\n  fal-host build\n  fal-host build --select staging+ --full-refresh\n  \
        fal-host build --exclude-resource-type test unit_test\n  fal-host build --store-failures\n\n\
        Exit codes: 0 success (warnings of tests too), 1 a node or a test failed, 2 the command, the project or a plugin is \
        wrong, 130 interrupted."
    )]
    Build(BuildArgs),
    /// Run the data tests of models, snapshots, seeds and sources, and dbt's unit tests of SQL models
    #[command(
        after_help = "Examples:\n  fal-host test\n  fal-host test --select forecast --store-failures\n  \
        fal-host test --select test_type:unit"
    )]
    Test(TestArgs),
    /// Load seeds
    #[command(
        after_help = "Examples:\n  fal-host seed\n  fal-host seed --select countries --full-refresh --show"
    )]
    Seed(SeedArgs),
    /// Run snapshots
    #[command(after_help = "Example:\n  fal-host snapshot --select orders_history")]
    Snapshot(SnapshotArgs),
    /// Run again what failed or was skipped in the last run of fal-host or dbt, by its run_results.json
    #[command(
        after_help = "Examples:\n  fal-host retry\n  fal-host retry --vars '{day: 2024-02-01}' --threads 4\n\n\
        The command and its flags are those of the last run. Exit code 0 if there is nothing to retry."
    )]
    Retry(RetryArgs),
    /// Show rows of a model or of a query, without writing
    #[command(
        after_help = "Examples:\n  fal-host show --select report --limit 5\n  fal-host show --inline \"select * from {{ ref('forecast') }}\""
    )]
    Show(ShowArgs),
    #[command(flatten)]
    Dbt(DbtCommand),
    /// Run only the scripts and hooks of models, after or before a run (legacy `fal run`)
    #[command(
        visible_alias = "run-scripts",
        after_help = "Examples:\n  fal-host hooks                        after-scripts and post-hooks of the models of the last run\n  \
        fal-host hooks --before               before it: global scripts, pre-hooks, before-scripts\n  \
        fal-host hooks --all                  of all models\n  fal-host hooks --select tag:daily     of these models\n  \
        fal-host hooks --scripts tell.py      only this script, and the post-hooks\n\n\
        Schema files attach scripts to models, under `meta: {fal: ...}`."
    )]
    Hooks(HooksArgs),
    /// Aliases for legacy fal commands
    #[command(subcommand, hide = true)]
    Flow(FlowCommand),
    /// Write the stubs of Python models; needs neither dbt nor Python
    #[command(
        after_help = "Examples:\n  fal-host generate\n  fal-host generate --check   exit code 1 if anything would change: for pre-commit and CI\n\n\
        A stub is a small ephemeral SQL model that stands in for a Python model in dbt. Commit stubs and .dbtignore."
    )]
    Generate(GenerateArgs),
    /// Find problems in Python models and notebooks without running them
    #[command(
        after_help = "Examples:\n  fal-host check\n  fal-host check --format github   annotations on a pull request\n  \
        fal-host check --format sarif > fal.sarif"
    )]
    Check(CheckArgs),
    /// List the nodes that a selection matches
    #[command(
        visible_alias = "list",
        after_help = "Examples:\n  fal-host ls --select +report\n  fal-host ls --resource-type model --output path\n  \
        fal-host ls --output json"
    )]
    Ls(LsArgs),
    /// Print the graph
    #[command(
        after_help = "Examples:\n  fal-host graph --format mermaid\n  fal-host graph --select +report --format dot | dot -Tsvg > graph.svg"
    )]
    Graph(GraphArgs),
    /// List, trust, check and create plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// List, build and remove the Python environments of models
    #[command(subcommand)]
    Env(EnvCommand),
    /// Find out why fal-host does not work here
    #[command(after_help = "Example:\n  fal-host doctor")]
    Doctor,
    /// Create a .venv with dbt and the adapter that the profile names
    #[command(
        after_help = "Examples:\n  fal-host setup\n  fal-host setup --adapter postgres\n  fal-host setup --requirements requirements.txt"
    )]
    Setup(SetupArgs),
    /// Print the completions of commands and flags for a shell
    #[command(
        after_help = "Examples:\n  fal-host completions bash > ~/.local/share/bash-completion/completions/fal-host\n  \
        fal-host completions fish > ~/.config/fish/completions/fal-host.fish\n  \
        fal-host completions zsh > ~/.zfunc/_fal-host   with `fpath+=~/.zfunc` before compinit"
    )]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Write manual pages, one for each command, into a folder
    #[command(after_help = "Example:\n  fal-host man-pages ~/.local/share/man/man1")]
    ManPages {
        /// The folder, which is created if it is missing
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// Commands that dbt itself runs.
#[derive(Debug, Subcommand)]
pub(crate) enum DbtCommand {
    /// Compile models, or a piece of SQL; Python models are tables in it
    #[command(
        after_help = "Examples:\n  fal-host compile --select report\n  fal-host compile --inline \"select * from {{ ref('forecast') }}\""
    )]
    Compile,
    /// Read the project, and write manifest.json
    Parse,
    /// Make and show the documentation
    #[command(subcommand)]
    Docs(DocsCommand),
    /// Check how fresh sources are
    #[command(subcommand)]
    Source(SourceCommand),
    /// Run a macro
    #[command(
        after_help = "Example:\n  fal-host run-operation grant_select --args '{role: reporter}'"
    )]
    RunOperation {
        /// Name of the macro
        #[arg(value_name = "MACRO")]
        macro_name: Option<String>,
    },
    /// Clone tables from where the artifacts in --state say
    Clone,
    /// Install the packages of packages.yml
    Deps,
    /// Delete the folders in `clean-targets` of dbt_project.yml
    Clean,
    /// Show dbt's versions, and test the connection; `doctor` says more of fal-host
    Debug,
    /// Create a dbt project
    #[command(
        after_help = "Examples:\n  fal-host init shop              a project, with dbt's questions\n  \
        fal-host init --example         a project on DuckDB that runs: SQL, a Python file and a notebook"
    )]
    Init {
        /// Name of the project
        #[arg(value_name = "NAME")]
        project_name: Option<String>,
        /// A small project on DuckDB that runs: SQL, a Python file and a notebook; asks nothing
        #[arg(long)]
        example: bool,
    },
}

/// Commands of `docs`.
#[derive(Debug, Subcommand)]
pub(crate) enum DocsCommand {
    /// Write the documentation: manifest.json, catalog.json, index.html
    Generate,
    /// Serve the documentation to a browser
    Serve,
}

/// Commands of `source`.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Compare the newest rows of sources with what `freshness` in schema files allows
    #[command(alias = "snapshot-freshness")]
    Freshness,
}

/// Aliases for legacy fal commands.
#[derive(Debug, Subcommand)]
pub(crate) enum FlowCommand {
    /// The same as `fal-host run`
    Run(RunArgs),
}

/// Flags of `hooks`.
#[derive(Args, Clone, Debug)]
pub(crate) struct HooksArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// For all models, whatever the last run did
    #[arg(long)]
    pub(crate) all: bool,
    /// Pre-hooks and before-scripts instead of after-scripts and post-hooks
    #[arg(long)]
    pub(crate) before: bool,
    /// Only these scripts, named as in the schema file; hooks run anyway
    #[arg(long, value_name = "FILE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) scripts: Vec<String>,
    /// Also global scripts, despite a selection or --scripts
    #[arg(long)]
    pub(crate) globals: bool,
}

/// Flags of `generate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GenerateArgs {
    /// Write nothing; exit code 1 if anything would change
    #[arg(long)]
    pub(crate) check: bool,
}

/// Flags of `check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Show only the problems of these files, as pre-commit names them [default: all]
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) format: CheckFormat,
    /// Treat warnings as errors
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Form of a report of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Flags of `ls`.
#[derive(Args, Clone, Debug)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Only nodes of this type: model, seed, test, source, ...; may be given several times
    #[arg(long, visible_alias = "resource-types", env = "DBT_RESOURCE_TYPES", hide_env = true, value_delimiter = ' ', value_name = "TYPE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) resource_type: Vec<String>,
    /// No nodes of this type
    #[arg(long, visible_alias = "exclude-resource-types", env = "DBT_EXCLUDE_RESOURCE_TYPES", hide_env = true, value_delimiter = ' ', value_name = "TYPE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) exclude_resource_type: Vec<String>,
    /// What to print for each node
    #[arg(long, value_name = "FORM", default_value = "selector")]
    pub(crate) output: LsOutput,
    /// Keys of the JSON objects [default: all]
    #[arg(long, value_name = "KEY", num_args = 1.., action = ArgAction::Append, value_delimiter = ' ')]
    pub(crate) output_keys: Vec<String>,
}

/// What `ls` prints for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LsOutput {
    /// The selector that matches just this node.
    Selector,
    /// Its name.
    Name,
    /// Its file.
    Path,
    /// A JSON object.
    Json,
}

/// Flags of `graph`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GraphArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Language of the output
    #[arg(long, value_name = "FORM", default_value = "mermaid")]
    pub(crate) format: GraphFormat,
}

/// Language of a graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// For programs.
    Json,
}

/// Flags of `setup`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SetupArgs {
    /// Adapter to install [default: the profile's]
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
    /// Version of dbt to install: `1.11`, `1.11.4`, `2`, `2.0.0a4` [default: 1.12 by uv, 1.11 by pip]
    #[arg(long, value_name = "VERSION")]
    pub(crate) dbt: Option<String>,
    /// A requirements file to install as well [default: requirements.txt of the project, if there is one]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// Folder of the environment [default: .venv in the project]
    #[arg(long, value_name = "DIR")]
    pub(crate) venv: Option<PathBuf>,
}
