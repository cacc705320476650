//! `fal-host plugin check`: checks a plugin against the contract of its stages, in a separate process.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use fal_host::HostError;
use fal_plugin_testkit::{
    Report,
    library::{IsolatedError, Isolation, LibraryOptions, check_isolated, serve_child},
};
use serde_json::json;

use super::list::search_path;
use crate::{
    args::{CheckLibraryArgs, LogFormat},
    context::Context,
    error::CliError,
    exit::{self, Ended},
};

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

/// Runs the cases, in the process that `check` starts.
pub(super) fn child() -> Result<Ended, CliError> {
    exit::accept_any();
    match serve_child(|| exit::leave(Ended::Well)) {
        Ok(()) => Ok(Ended::Well),
        Err(error) => Err(program_error(format!(
            "`plugin check` starts this command itself: {error}"
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
    found
        .map(|(path, _)| path)
        .ok_or_else(|| CliError::usage(format!("there is no file and no plugin `{named}`")))
}

fn shown(report: &Report, format: LogFormat) -> Result<String, CliError> {
    if format == LogFormat::Text {
        return Ok(report.to_string());
    }
    let json = json!({"ok": report.is_ok(), "subject": report.subject, "cases": report.cases});
    Ok(serde_json::to_string_pretty(&json).map_err(std::io::Error::other)? + "\n")
}
