//! The command line. Flags keep dbt's names, meaning and environment variables.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum, builder::FalseyValueParser};
use fal_graph::Criteria;
use fal_host::ProjectArgs;
use serde_json::{Map, Value};

use crate::{error::CliError, legacy::LegacyArgs, state::StateArgs, word_order};

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

impl Cli {
    /// Understands the words of a command line, its first one being the program.
    ///
    /// # Errors
    /// clap's: a mistake, or help that was asked for.
    pub(crate) fn of_words(words: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, clap::Error> {
        let words = words.into_iter().map(Into::into).collect();
        Self::try_parse_from(word_order::flags_last(&Self::command(), words))
    }
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
    /// Key below `meta` in schema files that is ours [default: fal]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Project")]
    pub(crate) keyword: Option<String>,
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
    #[command(flatten)]
    pub(crate) legacy: LegacyArgs,
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
    /// Run the scripts and hooks of models by themselves, after or before a run (the forerunner's `fal run`)
    #[command(
        visible_alias = "run-scripts",
        after_help = "Examples:\n  fal-host hooks                        after-scripts and post-hooks of the models of the last run\n  \
        fal-host hooks --before               before it: global scripts, pre-hooks, before-scripts\n  \
        fal-host hooks --all                  of all models\n  fal-host hooks --select tag:daily     of these models\n  \
        fal-host hooks --scripts tell.py      only this script, and the post-hooks\n\n\
        Which scripts a model has stands in its schema file, under `meta: {fal: ...}`."
    )]
    Hooks(crate::commands::hooks::HooksArgs),
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
    #[command(flatten)]
    state: StateArgs,
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
        self.state.dbt_args()
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
            threads: self.threads.or(self.legacy.experimental_threads),
            python: self.python.clone(),
            plugins: self.plugin.clone(),
            trust_project_plugins: self.trust_project_plugins,
            debug: self.debug,
            keyword: self.keyword.clone(),
            ..ProjectArgs::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Cli {
        let words = std::iter::once("fal-host").chain(line.split_whitespace());
        Cli::of_words(words).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn run(line: &str) -> RunArgs {
        match parsed(line).command {
            Command::Run(run) | Command::Flow(FlowCommand::Run(run)) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// What is not shown is the default.
    fn shown(line: &str) -> String {
        let (cli, run) = (parsed(line), run(line));
        let args = cli.global.project_args();
        let text = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
        let path = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
        let vars = (!args.vars.is_empty()).then(|| Value::Object(args.vars).to_string());
        [
            text("project-dir", path(args.project_dir)),
            text("profiles-dir", path(args.profiles_dir)),
            text("profile", args.profile),
            text("target", args.target),
            text("target-path", path(args.target_path)),
            text("vars", vars),
            text("threads", args.threads.map(|n| n.to_string())),
            text("keyword", args.keyword),
            text("select", (!run.select.select.is_empty()).then(|| run.select.select.join("|"))),
            run.full_refresh.then(|| "full-refresh".to_owned()),
            cli.global.legacy.disable_logging.then(|| "disable-logging".to_owned()),
            text("dbt", (!run.select.dbt_args().is_empty()).then(|| run.select.dbt_args().join(" "))),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// Each flag: behind the command, ahead of it, between its words, and twice.
    #[test]
    fn flags_may_stand_anywhere_and_the_right_most_wins() {
        let flags = [
            ("--project-dir a", "--project-dir b", "project-dir=b"),
            ("--profiles-dir a", "--profiles-dir b", "profiles-dir=b"),
            ("--profile a", "--profile=b", "profile=b"),
            ("--target a", "-t b", "target=b"),
            ("--target-path a", "--target-path b", "target-path=b"),
            ("--vars {\"x\":1}", "--vars {\"y\":2}", "vars={\"y\":2}"),
            ("--threads 1", "--threads 2", "threads=2"),
            ("--keyword a", "--keyword b", "keyword=b"),
            ("--state /a", "--state /b", "dbt=--state /b"),
            ("--defer-state /a", "--defer-state /b", "dbt=--defer-state /b"),
            ("--no-defer", "--defer", "dbt=--defer"),
            ("--defer", "--no-defer", "dbt=--no-defer"),
            ("--no-favor-state", "--favor-state", "dbt=--favor-state"),
            ("--favor-state", "--no-favor-state", "dbt=--no-favor-state"),
            ("--full-refresh", "-f", "full-refresh"),
            ("--disable-logging", "--disable-logging", "disable-logging"),
            ("--experimental-threads 3", "--experimental-threads 4", "threads=4"),
            ("--experimental-threads 3 --threads 5", "--experimental-threads 4", "threads=5"),
            ("--experimental-flow", "--experimental-models", ""),
        ];
        for (first, last, expected) in flags {
            for line in [
                format!("flow run {first} {last}"),
                format!("{first} {last} flow run"),
                format!("{first} flow run {last}"),
                format!("{first} flow {last} run"),
                format!("flow {first} run {last}"),
                format!("{first} run {last}"),
                format!("flow run {last}"),
                format!("{last} flow run"),
            ] {
                let expected =
                    if line.contains("--threads 5") || !first.contains("--threads 5") { expected } else { "threads=4" };
                assert_eq!(shown(&line), expected, "{line}");
            }
        }
    }

    #[test]
    fn selections_add_up_wherever_they_stand() {
        assert_eq!(run("--select a b flow run --models c -m d").select.select, ["a", "b", "c", "d"]);
        assert_eq!(run("run --exclude x --select a+ @b").select.exclude, ["x"]);
    }

    #[test]
    fn a_line_of_the_forerunner_is_taken() {
        let line = "--disable-logging --keyword fal2 flow run --experimental-flow --experimental-models \
            --experimental-threads 4 --profiles-dir /p --project-dir /d --defer --state /s --models a b";
        assert_eq!(
            shown(line),
            "project-dir=/d, profiles-dir=/p, threads=4, keyword=fal2, select=a|b, disable-logging, \
             dbt=--state /s --defer"
        );
    }
}
