//! Flags that every command takes: the project, plugins, output.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{ArgAction, Args, ValueEnum, builder::FalseyValueParser};
use fal_host::ProjectArgs;
use serde_json::{Map, Value};

use super::vars;

/// Flags that every command takes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct GlobalArgs {
    /// Folder of dbt_project.yml [default: this folder or the nearest parent]
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Project",
        env = "DBT_PROJECT_DIR",
        hide_env = true
    )]
    pub(crate) project_dir: Option<PathBuf>,
    /// Folder of profiles.yml [default: this folder, then ~/.dbt]
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
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help_heading = "Project",
        env = "DBT_PROFILE",
        hide_env = true
    )]
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
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help_heading = "Project",
        env = "DBT_TARGET_PATH",
        hide_env = true
    )]
    pub(crate) target_path: Option<PathBuf>,
    /// Variables for the project, as a YAML mapping
    #[arg(long, global = true, value_name = "YAML", help_heading = "Project", value_parser = vars::parse)]
    pub(crate) vars: Option<Map<String, Value>>,
    /// Key below `meta` in schema files for scripts, hooks and environments [default: fal]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Project")]
    pub(crate) keyword: Option<String>,
    /// Number of nodes that run at the same time [default: from the profile]
    #[arg(long, global = true, value_name = "N", help_heading = "Project", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) threads: Option<u32>,
    /// Python interpreter with dbt installed [default: $VIRTUAL_ENV, the project's .venv, python3]
    #[arg(long, global = true, value_name = "PATH", help_heading = "Project")]
    pub(crate) python: Option<PathBuf>,
    /// Plugin to use for a stage; repeatable
    #[arg(long, global = true, value_name = "STAGE=NAME_OR_PATH", help_heading = "Plugins", action = ArgAction::Append)]
    pub(crate) plugin: Vec<String>,
    /// Load plugins from paths in fal_project.yml without asking
    #[arg(long, global = true, help_heading = "Plugins")]
    pub(crate) trust_project_plugins: bool,
    /// Run each plugin library in a separate process
    #[arg(long, global = true, help_heading = "Plugins")]
    pub(crate) isolate_plugins: bool,
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
    /// Show debug messages
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

impl LogFormat {
    /// Returns the format that a command line asks for which clap cannot parse.
    pub(crate) fn guess(words: &[OsString]) -> Self {
        let named = words.windows(2).rev().find_map(|pair| {
            let value = pair[1].to_str()?.strip_prefix("--log-format=");
            value.or_else(|| (pair[0] == "--log-format").then(|| pair[1].to_str())?)
        });
        let wanted = named.map_or_else(|| env::var_os("DBT_LOG_FORMAT"), |word| Some(word.into()));
        if wanted.is_some_and(|format| format == "json") {
            Self::Json
        } else {
            Self::Text
        }
    }
}

impl GlobalArgs {
    /// Returns what the command line says about the project. A flag that reaches the session becomes
    /// a field of the open request here and nowhere else.
    pub(crate) fn project_args(&self) -> ProjectArgs {
        let mut args = ProjectArgs {
            project_dir: self.project_dir.clone(),
            target_path: self.target_path.clone(),
            plugins: self.plugin.clone(),
            trust_project_plugins: self.trust_project_plugins,
            isolate_plugins: self.isolate_plugins,
            ..ProjectArgs::default()
        };
        let session = &mut args.session;
        session.profiles_dir = self.profiles_dir.as_deref().map(absolute);
        session.profile.clone_from(&self.profile);
        session.target.clone_from(&self.target);
        session.vars = self.vars.clone().unwrap_or_default();
        session.threads = self.threads.or(self.legacy.experimental_threads);
        session.python = self.python.as_deref().map(absolute);
        session.debug = self.debug;
        if let Some(keyword) = &self.keyword {
            session.keyword.clone_from(keyword);
        }
        args
    }
}

/// Returns a path as an absolute one, for programs that run in another folder.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

/// Hidden flags of legacy fal, so that scripts and CI jobs that pass them keep working.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct LegacyArgs {
    /// No log lines; results, the output of models and errors still show
    #[arg(long, global = true, hide = true)]
    pub(crate) disable_logging: bool,
    /// No effect: there is one way to run
    #[arg(long, global = true, hide = true)]
    experimental_flow: bool,
    /// No effect: Python models are always on
    #[arg(long, global = true, hide = true, alias = "experimental-python-models")]
    experimental_models: bool,
    /// Number of threads, unless `--threads` is given
    #[arg(long, global = true, hide = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) experimental_threads: Option<u32>,
}
