//! `fal-host plugin check`: the contract of a plugin's stages, through its library or program, in a process of its own.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Args;
use fal_host::HostError;
use fal_plugin::manifest::Stage;
use fal_plugin_testkit::{
    Report,
    library::{IsolatedError, Isolation, LibraryOptions, check_isolated, serve_child},
};
use serde_json::{Value, json};

use super::search_path;
use crate::{
    args::LogFormat,
    commands::Context,
    error::CliError,
    exit::{self, Ended},
};

/// Flags of `plugin check`.
#[derive(Args, Debug)]
pub(crate) struct CheckLibraryArgs {
    /// The library or program, or the name of a plugin that `plugin list` shows
    #[arg(value_name = "PLUGIN")]
    library: String,
    /// Only this stage; may be given several times [default: all that the plugin fills]
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    stage: Vec<Stage>,
    /// Form of the report
    #[arg(long, value_name = "FORM", default_value = "text")]
    format: LogFormat,
    /// How long a case may take
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    timeout: Duration,
    /// Configuration of the plugin, as JSON
    #[arg(long, value_name = "JSON", value_parser = config)]
    config: Option<Value>,
}

pub(super) fn stage(text: &str) -> Result<Stage, String> {
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

pub(super) fn check(context: &Context, args: &CheckLibraryArgs) -> Result<Ended, CliError> {
    let path = library(context, &args.library)?;
    let program = env::current_exe()?;
    let isolated = context
        .global
        .isolate_plugins
        .then(|| vec!["plugin".to_owned(), "serve".to_owned()]);
    let isolate = isolated.map(|arguments| (program.clone(), arguments));
    let options = LibraryOptions {
        path,
        stages: args.stage.clone(),
        config: args.config.clone(),
        isolate,
        timeout: None,
    };
    let isolation = Isolation {
        command: &|| {
            let mut command = Command::new(&program);
            command.args(["plugin", "check-in-child"]);
            command
        },
        patience: args.timeout,
        interrupted: &|| context.interrupt.is_raised(),
    };
    let report = check_isolated(&options, &isolation).map_err(|error| match error {
        IsolatedError::Start(error) => program_error(format!(
            "the process of the check cannot be started: {error}"
        )),
        IsolatedError::Interrupted => HostError::Interrupted.into(),
    })?;
    context.output.data(&shown(&report, args.format)?)?;
    Ok(if report.is_ok() {
        Ended::Well
    } else {
        Ended::Wrong
    })
}

/// What the process does that is started for the check.
pub(super) fn child() -> Result<Ended, CliError> {
    exit::accept_any();
    match serve_child(|| exit::leave(Ended::Well)) {
        Ok(()) => Ok(Ended::Well),
        Err(error) => Err(program_error(format!(
            "this is the part of `plugin check` that it starts itself: {error}"
        ))),
    }
}

fn program_error(message: String) -> CliError {
    CliError::Program {
        message,
        help: None,
    }
}

fn library(context: &Context, named: &str) -> Result<PathBuf, CliError> {
    let path = Path::new(named);
    if path.components().count() > 1 || path.is_file() {
        return Ok(std::path::absolute(path)?);
    }
    let found = search_path(context)?.by_file_name(named).into_iter().next();
    found.ok_or_else(|| CliError::usage(format!("there is no file and no plugin `{named}`")))
}

fn shown(report: &Report, format: LogFormat) -> Result<String, CliError> {
    if format == LogFormat::Text {
        return Ok(report.to_string());
    }
    let json = json!({"ok": report.is_ok(), "subject": report.subject, "cases": report.cases});
    Ok(serde_json::to_string_pretty(&json).map_err(std::io::Error::other)? + "\n")
}
