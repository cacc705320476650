//! How the host starts a command of dbt that dbt itself runs to its end, with the user's terminal.
//!
//! dbt-core 1.x runs in the worker's module `fal_worker.engine.command`, which shows it Python models
//! as tables. Any other dbt is started as it is, and takes their stubs for ephemeral models.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use fal_files::Root;
use fal_plugin::{
    payload::{CommandLine, CommandRequest},
    PluginError,
};

use crate::{
    commands::{self, Choice, IN_DBT},
    config::Config,
    error::StartError,
    process::boot,
};

/// Names the file with the command's [`CommandRequest`], for the worker.
const COMMAND: &str = "FAL_COMMAND";
/// Names the `dbt` program, for an interpreter without dbt.
const OTHERWISE: &str = "FAL_COMMAND_PROGRAM";
/// That file, and the one with the graph, in the folder of the project's state.
const FILES: [&str; 2] = ["command.json", "command-graph.json"];
/// dbt's own variables for statistics.
const STATISTICS: [&str; 2] = [
    "DBT_ENGINE_SEND_ANONYMOUS_USAGE_STATS",
    "DBT_SEND_ANONYMOUS_USAGE_STATS",
];

/// Returns the command line. `home` returns the folder of the worker.
pub(crate) fn of(
    request: &CommandRequest,
    config: &Config,
    python: &Path,
    home: impl FnOnce() -> Result<PathBuf, PluginError>,
) -> Result<CommandLine, PluginError> {
    let mut env = BTreeMap::from([(IN_DBT.to_owned(), "1".to_owned())]);
    if STATISTICS
        .iter()
        .all(|name| std::env::var_os(name).is_none())
    {
        env.insert(STATISTICS[1].to_owned(), "false".to_owned());
    }
    let choice = commands::choose(config, python)?;
    if let Choice::Commands { program, .. } = &choice {
        refuse(request)?;
        return Ok(CommandLine {
            program: program.display().to_string(),
            args: request.words.clone(),
            env,
            graph: None,
        });
    }
    if choice == Choice::InsideIfPossible {
        if let Ok(Some(program)) = commands::find_program(config, python) {
            env.insert(OTHERWISE.to_owned(), program.display().to_string());
        }
    }
    let home = home()?;
    let words = boot(&home, "fal_worker.engine.command").map(|word| word.display().to_string());
    let mut graph = None;
    if has_stubs(request) {
        let folder = Path::new(&request.open.state_dir);
        let [file, of_graph] = FILES.map(|name| folder.join(name).display().to_string());
        write(folder, FILES[0], request)?;
        env.insert(COMMAND.to_owned(), file);
        graph = Some(of_graph);
    }
    Ok(CommandLine {
        program: python.display().to_string(),
        args: words.into_iter().chain(request.words.clone()).collect(),
        env,
        graph,
    })
}

fn has_stubs(request: &CommandRequest) -> bool {
    let mut models = request.python_models.iter();
    models.any(|model| model.stub_path.is_some())
}

/// Refuses what a dbt that knows only the stubs would do wrong without an error.
fn refuse(request: &CommandRequest) -> Result<(), PluginError> {
    if has_stubs(request) && request.words.first().is_some_and(|word| word == "clone") {
        let message = "where dbt runs as a program, `clone` would leave out Python models: \
                       this dbt takes them for ephemeral models, which have no table";
        return Err(PluginError::new("dbt::command", message)
            .with_help("Use dbt-core 1.8 to 1.12, or read these models with --defer."));
    }
    Ok(())
}

fn write(folder: &Path, name: &str, request: &CommandRequest) -> Result<(), StartError> {
    let failed = |cause| StartError::Unpack {
        folder: folder.to_owned(),
        cause,
    };
    let root = Root::create(folder).map_err(failed)?;
    let bytes = serde_json::to_vec(request).map_err(|cause| failed(cause.into()))?;
    root.write(name, &bytes).map(drop).map_err(failed)?;
    // A command that fails leaves none, and an earlier one's is not its own.
    match root.remove_file(FILES[1]) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(failed(cause)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use fal_plugin::payload::{OpenRequest, PythonModel};

    use super::*;

    #[test]
    fn a_dbt_that_knows_only_stubs_clones_no_python_models() {
        let request = |words: &[&str], stub: Option<&str>| CommandRequest {
            open: OpenRequest::new("/p", "/s", "clone"),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            python_models: vec![PythonModel {
                stub_path: stub.map(str::to_owned),
                ..PythonModel::new("m", "models/m.py")
            }],
            codes: BTreeMap::new(),
        };
        let stub = Some("models/fal/m.sql");
        let error = refuse(&request(&["clone", "--state", "s"], stub)).unwrap_err();
        assert!(error.message.contains("`clone`"), "{error}");
        assert!(refuse(&request(&["clone"], None)).is_ok());
        assert!(refuse(&request(&["compile"], stub)).is_ok());
    }
}
