//! The command line. Flags keep dbt's names, meaning and environment variables.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use fal_graph::Criteria;
use fal_host::ProjectArgs;
use serde_json::{Map, Value};

use crate::error::CliError;

/// Python files and notebooks as models of a dbt project: one DAG with SQL, one command.
///
/// Put `.py` or `.ipynb` files into the model paths of a dbt project. Each reads with `ref(...)` and `source(...)` and calls
/// `write_to_model(df)` once. `fal-host run` runs them with the SQL models, in the right order.
#[derive(Debug, Parser)]
#[command(name = "fal-host", version, arg_required_else_help = true, infer_long_args = true, args_override_self = true)]
#[command(
    after_help = "Examples:\n  fal-host setup                 make a .venv with dbt and the project's adapter\n  \
    fal-host run                   run all models, SQL and Python\n  \
    fal-host run --select +report  run `report` and all that it needs\n  \
    fal-host generate --check      in CI: are the stubs up to date?\n\n\
    Documentation: the folder docs of the project, and `fal-host help COMMAND`."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command knows.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GlobalArgs {
    /// Folder of dbt_project.yml [default: here or the nearest folder upwards]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Project", env = "DBT_PROJECT_DIR", hide_env = true)]
    pub(crate) project_dir: Option<PathBuf>,
    /// Folder of profiles.yml [default: here, then ~/.dbt]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Project",
        env = "DBT_PROFILES_DIR",
        hide_env = true
    )]
    pub(crate) profiles_dir: Option<PathBuf>,
    /// Profile of profiles.yml to use
    #[arg(long, global = true, value_name = "NAME", help_heading = "Project", env = "DBT_PROFILE", hide_env = true)]
    pub(crate) profile: Option<String>,
    /// Target of the profile to use
    #[arg(
        short,
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Project",
        env = "DBT_TARGET",
        hide_env = true
    )]
    pub(crate) target: Option<String>,
    /// Folder for artifacts [default: target]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Project", env = "DBT_TARGET_PATH", hide_env = true)]
    pub(crate) target_path: Option<PathBuf>,
    /// Variables for the project, as a YAML mapping
    #[arg(long, global = true, value_name = "YAML", help_heading = "Project", value_parser = crate::vars::parse)]
    pub(crate) vars: Option<Map<String, Value>>,
    /// How many nodes run at the same time [default: the profile's]
    #[arg(long, global = true, value_name = "N", help_heading = "Project", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) threads: Option<u32>,
    /// Python interpreter that has dbt [default: $VIRTUAL_ENV, a .venv of the project, python3]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Project")]
    pub(crate) python: Option<PathBuf>,
    /// Use another plugin for a stage; may be given several times
    #[arg(long, global = true, value_name = "STAGE=NAME_OR_PATH", help_heading = "Plugins", action = ArgAction::Append)]
    pub(crate) plugin: Vec<String>,
    /// Load plugins from the paths that fal_project.yml names
    #[arg(long, global = true, help_heading = "Plugins")]
    pub(crate) trust_project_plugins: bool,
    /// Form of the output
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        help_heading = "Output",
        env = "DBT_LOG_FORMAT",
        hide_env = true,
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
    /// Show errors only
    #[arg(short, long, global = true, help_heading = "Output", env = "DBT_QUIET", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,
    /// Show what helps to find a fault
    #[arg(short, long, global = true, help_heading = "Output", env = "DBT_DEBUG", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) debug: bool,
    /// No colours
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) no_color: bool,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    #[value(aliases = ["default", "debug"])]
    Text,
    /// One JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run models: SQL, Python and notebooks in one DAG
    #[command(after_help = "Examples:\n  fal-host run\n  fal-host run --select staging+ --exclude tag:slow\n  \
        fal-host run --select models/forecast.ipynb --threads 4\n  fal-host run --target prod --vars '{day: 2024-01-31}'\n\n\
        Exit codes: 0 all well, 1 a node failed, 2 the command, the project or a plugin is wrong, 130 interrupted.")]
    Run(RunArgs),
    /// The forerunner's name of some commands
    #[command(subcommand, hide = true)]
    Flow(FlowCommand),
    /// Write the stubs of Python models; needs neither dbt nor Python
    #[command(
        after_help = "Examples:\n  fal-host generate\n  fal-host generate --check   exit code 1 if anything would change: for pre-commit and CI\n\n\
        A stub is a small ephemeral SQL model that tells dbt of a Python model. Commit stubs and .dbtignore with your models."
    )]
    Generate(GenerateArgs),
    /// Find all that is wrong with Python models and notebooks without running them
    #[command(
        after_help = "Examples:\n  fal-host check\n  fal-host check --format github   annotations on a pull request\n  \
        fal-host check --format sarif > fal.sarif"
    )]
    Check(CheckArgs),
    /// List the nodes that a selection matches
    #[command(
        after_help = "Examples:\n  fal-host ls --select +report\n  fal-host ls --resource-type model --output path\n  \
        fal-host ls --output json"
    )]
    Ls(LsArgs),
    /// Print the graph
    #[command(
        after_help = "Examples:\n  fal-host graph --format mermaid\n  fal-host graph --select +report --format dot | dot -Tsvg > graph.svg"
    )]
    Graph(GraphArgs),
    /// See and trust plugins
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// See, build and remove the Python environments of models
    #[command(subcommand)]
    Env(crate::commands::env::EnvCommand),
    /// Look for what keeps fal-host from working here
    #[command(after_help = "Example:\n  fal-host doctor")]
    Doctor,
    /// Make a .venv with dbt and the adapter that the profile names
    #[command(
        after_help = "Examples:\n  fal-host setup\n  fal-host setup --adapter postgres\n  fal-host setup --requirements requirements.txt"
    )]
    Setup(SetupArgs),
}

/// Names of the forerunner.
#[derive(Debug, Subcommand)]
pub(crate) enum FlowCommand {
    /// The same as `fal-host run`
    Run(RunArgs),
}

/// Which nodes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SelectArgs {
    /// Nodes to take, in dbt's syntax; may hold several, separated by spaces (union) or commas (intersection)
    #[arg(short, long, visible_aliases = ["models", "model"], short_alias = 'm', value_name = "SELECTION", num_args = 1.., action = ArgAction::Append)]
    pub(crate) select: Vec<String>,
    /// Nodes to leave out
    #[arg(long, value_name = "SELECTION", num_args = 1.., action = ArgAction::Append)]
    pub(crate) exclude: Vec<String>,
    /// A selector of selectors.yml
    #[arg(long, value_name = "NAME")]
    pub(crate) selector: Option<String>,
    /// Which tests come with their nodes: eager, cautious, buildable or empty
    #[arg(long, value_name = "MODE", env = "DBT_INDIRECT_SELECTION", hide_env = true)]
    pub(crate) indirect_selection: Option<String>,
    /// Artifacts of an earlier run, for `state:` and `result:`
    #[arg(long, value_name = "DIR", env = "DBT_STATE", hide_env = true)]
    pub(crate) state: Option<PathBuf>,
}

impl SelectArgs {
    pub(crate) fn criteria(&self) -> Result<Criteria, CliError> {
        let indirect = match self.indirect_selection.as_deref() {
            None => fal_graph::IndirectSelection::default(),
            Some(name) => name.parse().map_err(|_| {
                CliError::usage(format!("`--indirect-selection` is eager, cautious, buildable or empty, not `{name}`"))
            })?,
        };
        Ok(Criteria {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            selector: self.selector.clone(),
            indirect,
            ..Criteria::default()
        })
    }

    /// What dbt must be told of it.
    pub(crate) fn dbt_args(&self) -> Vec<String> {
        let absolute =
            |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string();
        self.state.iter().flat_map(|path| ["--state".to_owned(), absolute(path)]).collect()
    }
}

/// Flags of `run`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Rebuild incremental models from nothing
    #[arg(short, long, env = "DBT_FULL_REFRESH", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) full_refresh: bool,
    /// Start nothing more once a node has failed
    #[arg(short = 'x', long, env = "DBT_FAIL_FAST", hide_env = true, value_parser = FalseyValueParser::new())]
    pub(crate) fail_fast: bool,
    /// Taken for the forerunner's sake: Python models are always on
    #[arg(long, hide = true)]
    pub(crate) experimental_models: bool,
    /// Taken for the forerunner's sake: there is one way to run
    #[arg(long, hide = true)]
    pub(crate) experimental_flow: bool,
    /// Taken for the forerunner's sake: the same as --threads
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) experimental_threads: Option<u32>,
}

/// Flags of `generate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GenerateArgs {
    /// Change nothing; exit code 1 if anything would change
    #[arg(long)]
    pub(crate) check: bool,
}

/// Flags of `check`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckArgs {
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) format: CheckFormat,
    /// Warnings count as errors
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
    #[arg(long, value_name = "TYPE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) resource_type: Vec<String>,
    /// No nodes of this type
    #[arg(long, value_name = "TYPE", num_args = 1.., action = ArgAction::Append)]
    pub(crate) exclude_resource_type: Vec<String>,
    /// What to print of each node
    #[arg(long, value_name = "FORM", default_value = "selector")]
    pub(crate) output: LsOutput,
}

/// What `ls` prints of a node.
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

/// Commands of `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Show every plugin library that is found, also those that do not load, and why
    #[command(after_help = "Examples:\n  fal-host plugin list\n  fal-host plugin list --output json")]
    List {
        /// Form of the list
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: LogFormat,
    },
    /// Record that you trust the plugins which this project names in fal_project.yml
    #[command(
        after_help = "The record holds for the libraries as they are now: when one changes, you are asked again."
    )]
    Trust,
}

/// Flags of `setup`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SetupArgs {
    /// Adapter to install [default: the profile's]
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
    /// Version of dbt-core to install
    #[arg(long, value_name = "VERSION", default_value = "1.11")]
    pub(crate) dbt: String,
    /// A requirements file to install as well [default: requirements.txt of the project, if there is one]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) requirements: Option<PathBuf>,
    /// Folder of the environment [default: .venv in the project]
    #[arg(long, value_name = "DIR")]
    pub(crate) venv: Option<PathBuf>,
}

impl GlobalArgs {
    pub(crate) fn project_args(&self) -> ProjectArgs {
        ProjectArgs {
            project_dir: self.project_dir.clone(),
            profiles_dir: self.profiles_dir.clone(),
            profile: self.profile.clone(),
            target: self.target.clone(),
            target_path: self.target_path.clone(),
            vars: self.vars.clone().unwrap_or_default(),
            threads: self.threads,
            python: self.python.clone(),
            plugins: self.plugin.clone(),
            trust_project_plugins: self.trust_project_plugins,
            debug: self.debug,
            ..ProjectArgs::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_stand_before_and_after_the_command() {
        let parse = |words: &[&str]| Cli::try_parse_from(words).unwrap().global.target;
        assert_eq!(parse(&["fal-host", "--target", "a", "run"]).as_deref(), Some("a"));
        assert_eq!(parse(&["fal-host", "run", "--target", "b"]).as_deref(), Some("b"));
        assert_eq!(
            parse(&["fal-host", "--target", "a", "run", "--target", "b", "--target", "c"]).as_deref(),
            Some("c")
        );
    }

    #[test]
    fn the_forerunner_s_flags_are_taken() {
        let words = ["fal-host", "flow", "run", "--experimental-models", "--models", "a", "b"];
        let Command::Flow(FlowCommand::Run(run)) = Cli::try_parse_from(words).unwrap().command else { panic!() };
        assert_eq!(run.select.select, ["a", "b"]);
    }
}
