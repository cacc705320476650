//! Starts a plugin's process and reads its manifest.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use fal_plugin::{
    PluginError,
    manifest::Manifest,
    process::{Hello, PROTOCOL_VARIABLE, PROTOCOL_VERSION},
    wire::WireError,
};
use fal_process::{Group, Tail, own_group};

use super::{
    call::{CallError, Target},
    own::{Inner, Process},
    reader,
};
use crate::{
    error::LoadError,
    library::{check_manifest, check_probe},
    plugin::LoadOptions,
};

/// How many lines of a plugin's standard error an error quotes.
const LAST_LINES: usize = 12;

/// Starts the plugin at `path` by `command`, and asks for its manifest.
pub(crate) fn start(
    path: &Path,
    mut command: Command,
    options: &LoadOptions,
) -> Result<(Process, Manifest), LoadError> {
    let file_name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    command.env(PROTOCOL_VARIABLE, PROTOCOL_VERSION);
    // Trust in a project's plugin also covers its compiled files, so running the plugin must not
    // create any.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let group = Group::spawn(own_group(&mut command)).map_err(|cause| LoadError::NotStarted {
        path: path.to_owned(),
        cause: reason(&cause),
    })?;
    let (log, name) = (options.log.clone(), file_name.clone());
    let tail = Arc::new(Tail::new(LAST_LINES));
    tail.follow(group.stderr(), move |line| {
        let line = line.trim_end();
        if !line.is_empty() {
            log.iter().for_each(|log| log(&name, line));
        }
    });
    let stdout = group.stdout();
    let inner = Inner::new(&file_name, group, tail, options.timeouts);
    if let Some(stdout) = stdout {
        reader::start(stdout, &inner);
    }
    let process = Process::new(inner);
    let manifest = hello(path, &process).inspect_err(|_| process.end_at_once())?;
    process.inner().set_name(&manifest.name);
    Ok((process, manifest))
}

fn reason(cause: &std::io::Error) -> String {
    const NO_FORMAT: i32 = 8;
    match (cause.kind(), cause.raw_os_error()) {
        (ErrorKind::PermissionDenied, _) => {
            "it is not executable (`chmod +x` makes it so)".to_owned()
        }
        (ErrorKind::NotFound, _) => {
            "the program that its first line names (`#!...`) is not there".to_owned()
        }
        (_, Some(NO_FORMAT)) => {
            "it is no program of this system, and does not begin with `#!`".to_owned()
        }
        _ => cause.to_string(),
    }
}

fn hello(path: &Path, process: &Process) -> Result<Manifest, LoadError> {
    let request = serde_json::to_vec(&Hello::default()).unwrap_or_default();
    let answer = match process
        .inner()
        .call(&Target::Plugin, "hello", &request, b"")
    {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            return Err(LoadError::Refused {
                path: path.to_owned(),
                error: refusal(&error),
            });
        }
        Err(CallError::Process(error)) => {
            return Err(LoadError::Process {
                path: path.to_owned(),
                error: (*error).clone(),
            });
        }
        Err(CallError::Refused(error)) => {
            return Err(LoadError::Refused {
                path: path.to_owned(),
                error,
            });
        }
    };
    let bad = |cause: &serde_json::Error| LoadError::BadProbe {
        path: path.to_owned(),
        cause: cause.to_string(),
    };
    let probe = serde_json::from_slice(&answer).map_err(|cause| bad(&cause))?;
    check_probe(path, &probe)?;
    let bad = |cause: String| LoadError::BadManifest {
        path: path.to_owned(),
        name: probe.name.clone(),
        cause,
    };
    let manifest: Manifest =
        serde_json::from_slice(&answer).map_err(|cause| bad(cause.to_string()))?;
    check_manifest(&manifest, &probe).map_err(bad)?;
    Ok(manifest)
}

fn refusal(error: &[u8]) -> PluginError {
    match serde_json::from_slice(error) {
        Ok(WireError::Plugin { error }) => error,
        Ok(WireError::Panic { message }) => {
            PluginError::new("plugin::panic", format!("it panicked: {message}"))
        }
        _ => PluginError::new("plugin::bad_answer", String::from_utf8_lossy(error)),
    }
}
