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
    /// Load plugins from paths in fal_project.yml and from the project's environment without asking
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
        default_value = "text",
        hide_default_value = true
    )]
    pub(crate) log_format: LogFormat,
    /// Show errors only
    #[arg(short, long, global = true, help_heading = "Output", env = "DBT_QUIET", hide_env = true, overrides_with = "no_quiet", value_parser = FalseyValueParser::new())]
    pub(crate) quiet: bool,
    /// Undoes --quiet and DBT_QUIET
    #[arg(long, global = true, hide = true, overrides_with = "quiet")]
    no_quiet: bool,
    /// Show debug messages
    #[arg(short, long, global = true, help_heading = "Output", env = "DBT_DEBUG", hide_env = true, overrides_with = "no_debug", value_parser = FalseyValueParser::new())]
    pub(crate) debug: bool,
    /// Undoes --debug and DBT_DEBUG
    #[arg(long, global = true, hide = true, overrides_with = "debug")]
    no_debug: bool,
    /// Least level of messages: debug, info, warn, error or none
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        help_heading = "Output",
        env = "DBT_LOG_LEVEL",
        hide_env = true
    )]
    log_level: Option<MessageLevel>,
    /// No colours
    #[arg(
        long,
        global = true,
        help_heading = "Output",
        alias = "no-use-colors",
        overrides_with = "use_colors"
    )]
    no_color: bool,
    /// Colours where the output is a terminal; `DBT_USE_COLORS=false` is --no-color
    #[arg(
        long,
        global = true,
        hide = true,
        env = "DBT_USE_COLORS",
        num_args = 0,
        default_missing_value = "true",
        overrides_with = "no_color",
        value_parser = FalseyValueParser::new()
    )]
    use_colors: Option<bool>,
    /// Columns of the output
    #[arg(
        long,
        global = true,
        value_name = "N",
        help_heading = "Output",
        env = "DBT_PRINTER_WIDTH",
        hide_env = true
    )]
    pub(crate) printer_width: Option<usize>,
    /// Warnings end the command, ours and dbt's
    #[arg(long, global = true, help_heading = "Output", env = "DBT_WARN_ERROR", hide_env = true, value_parser = FalseyValueParser::new())]
    warn_error: bool,
    /// Which warnings end the command, as YAML: `{error: all, silence: [NAME]}`
    #[arg(
        long,
        global = true,
        value_name = "YAML",
        help_heading = "Output",
        env = "DBT_WARN_ERROR_OPTIONS",
        hide_env = true,
        value_parser = vars::parse
    )]
    warn_error_options: Option<Map<String, Value>>,
    /// One thread
    #[arg(long, global = true, hide = true, env = "DBT_SINGLE_THREADED", overrides_with = "no_single_threaded", value_parser = FalseyValueParser::new())]
    single_threaded: bool,
    /// Undoes --single-threaded
    #[arg(long, global = true, hide = true, overrides_with = "single_threaded")]
    no_single_threaded: bool,
    /// Print the version
    #[arg(
        short = 'V',
        short_alias = 'v',
        long,
        global = true,
        help_heading = "Output",
        action = ArgAction::Version
    )]
    version: Option<bool>,
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

/// Least level of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum MessageLevel {
    /// All.
    Debug,
    /// What is not for developers.
    Info,
    /// Warnings and errors.
    Warn,
    /// Errors.
    Error,
    /// Errors that end the command.
    None,
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
    /// Whether errors alone are shown.
    pub(crate) fn is_quiet(&self) -> bool {
        let by_level = matches!(
            self.log_level,
            Some(MessageLevel::Warn | MessageLevel::Error | MessageLevel::None)
        );
        !self.no_quiet && (self.quiet || by_level)
    }

    /// Whether debug messages are shown.
    pub(crate) fn is_debug(&self) -> bool {
        !self.no_debug && (self.debug || self.log_level == Some(MessageLevel::Debug))
    }

    /// Whether colours are wanted.
    pub(crate) fn wants_color(&self) -> bool {
        self.use_colors != Some(false) && !self.no_color
    }

    /// Whether our own warnings end the command.
    ///
    /// dbt lists the names of its own warnings in the options. Ours have no such name: they are
    /// errors if all warnings are.
    pub(crate) fn warnings_are_errors(&self) -> bool {
        let all = |key: &str| {
            let options = self.warn_error_options.as_ref()?;
            let names = options.get(key)?;
            let is_all = |name: &Value| {
                name.as_str()
                    .is_some_and(|name| name == "all" || name == "*")
            };
            Some(
                is_all(names)
                    || names
                        .as_array()
                        .is_some_and(|names| names.iter().any(is_all)),
            )
        };
        self.warn_error || all("error").or_else(|| all("include")).unwrap_or_default()
    }

    /// Returns what the command line says about the project. A flag of all commands that reaches the
    /// session becomes a field of the open request here; the flags of one command its own module adds.
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
        if self.single_threaded && !self.no_single_threaded {
            session.threads = Some(1);
        }
        session.python = self.python.as_deref().map(absolute);
        session.debug = self.is_debug();
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
