//! The command line of `plugin`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use fal_plugin::manifest::Stage;
use serde_json::Value;

use super::global::LogFormat;

/// Commands of `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Show every plugin that is found, and why some do not load
    #[command(
        after_help = "Examples:\n  fal-host plugin list\n  fal-host plugin list --output json"
    )]
    List {
        /// Form of the list
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: LogFormat,
    },
    /// Trust the plugins that fal_project.yml names, and those in the project's environment
    #[command(
        after_help = "Trust covers the files as they are now: when one changes, you are asked again."
    )]
    Trust,
    /// Check a plugin against the contract of its stages, in a separate process
    #[command(
        after_help = "Examples:\n  fal-host plugin check target/debug/libacme_stubs.so\n  \
        fal-host plugin check ./libacme.so --stage stub-writer --config '{\"folder\": \"acme\"}'\n  \
        fal-host plugin check fal-stub-writer --format json\n\n\
        Exit codes: 0 all required cases passed, 2 one failed. Every failure says what happened and what to do about it."
    )]
    Check(CheckLibraryArgs),
    /// Create a plugin that builds, keeps the contract of its stage and runs an example project
    #[command(
        after_help = "Examples:\n  fal-host plugin new acme-stubs --stage stub-writer\n  \
        fal-host plugin new acme-runner --stage execution-backend --language python\n\n\
        Nothing is overwritten. Documentation: docs/plugins/guide.md."
    )]
    New(NewPluginArgs),
    /// Serve a plugin library over standard input and output, as a plugin in a separate process
    #[command(
        after_help = "fal-host runs this for isolated libraries: `--isolate-plugins`, or `plugins: isolate:` in \
        fal_project.yml.\nThe protocol is that of plugins in any language: docs/plugins/processes.md."
    )]
    Serve {
        /// The library
        #[arg(value_name = "LIBRARY")]
        library: PathBuf,
    },
    /// The process that `check` starts
    #[command(hide = true)]
    CheckInChild,
}

/// Flags of `plugin check`.
#[derive(Args, Debug)]
pub(crate) struct CheckLibraryArgs {
    /// The library or program, or the name of a plugin that `plugin list` shows
    #[arg(value_name = "PLUGIN")]
    pub(crate) library: String,
    /// Only this stage; may be given several times [default: all that the plugin fills]
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub(crate) stage: Vec<Stage>,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) format: LogFormat,
    /// How long a case may take
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Configuration of the plugin, as JSON
    #[arg(long, value_name = "JSON", value_parser = config)]
    pub(crate) config: Option<Value>,
}

fn stage(text: &str) -> Result<Stage, String> {
    let names = Stage::ALL.map(Stage::name).join(", ");
    Stage::from_name(text).ok_or_else(|| format!("the stages are {names}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "not a time in seconds".to_owned())
}

fn config(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Flags of `plugin new`.
#[derive(Args, Debug)]
pub(crate) struct NewPluginArgs {
    /// Its name: small letters, digits and `-`
    pub(crate) name: String,
    /// The stage that it fills: python-parser, notebook-parser, stub-writer or execution-backend
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    pub(crate) stage: Stage,
    /// Language to write it in
    #[arg(long, value_name = "LANGUAGE", default_value = "rust")]
    pub(crate) language: LanguageArg,
    /// Folder to make [default: NAME, here]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Folder that holds the crates of the interface [default: those that came with this fal-host]
    #[arg(long, value_name = "DIR")]
    pub(crate) interface: Option<PathBuf>,
}

/// Language of a new plugin.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LanguageArg {
    /// A library that is loaded.
    Rust,
    /// A program that is started.
    Python,
}
