//! A loaded plugin: a library or a process.

use std::{
    env::{self, consts::DLL_SUFFIX},
    fmt,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use fal_plugin::{
    manifest::{Manifest, Stage},
    process::FILE_SUFFIX,
    wire::Transport,
};
use serde_json::Value;

use crate::{
    error::{LoadError, OpenError},
    library::{LoadedLibrary, OpenStage},
    process::{self, Process, ProcessError},
    timeouts::Timeouts,
};

/// Receives the lines that plugin processes write to standard error: the file or name of the
/// plugin, and the line.
pub type Log = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How plugins are loaded.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// How long calls may take.
    pub timeouts: Timeouts,
    /// The command that runs a library in a separate process: a program that calls `serve_library`
    /// for its last argument, and the arguments before that. `None` loads libraries into this
    /// process.
    pub isolate: Option<(PathBuf, Vec<String>)>,
    /// Receives what plugin processes write to standard error.
    pub log: Option<Log>,
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("timeouts", &self.timeouts)
            .field("isolate", &self.isolate)
            .finish()
    }
}

/// What a plugin's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A library that is loaded into this process.
    Library,
    /// A program.
    Program,
}

impl Kind {
    /// Returns which kind of plugin is at `path`, judged by its name and its permissions.
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let program =
            name.ends_with(FILE_SUFFIX) || (!name.ends_with(DLL_SUFFIX) && is_executable(path));
        if program {
            Self::Program
        } else {
            Self::Library
        }
    }
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "exe")
}

/// Returns the command of a plugin that is a program. In the environment that fal-host is installed
/// in, `#!/usr/bin/env python3` means the environment's Python, which has what the plugin's package
/// requires.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    let host = env::current_exe().and_then(|host| host.canonicalize());
    let folder = host.ok().and_then(|host| host.parent().map(Path::to_owned));
    let environment = folder.as_deref().and_then(Path::parent);
    let is_in = |environment: &Path| {
        let plugins = environment.join("lib/fal-host/plugins");
        path.canonicalize()
            .is_ok_and(|path| path.starts_with(plugins))
            && environment.join("pyvenv.cfg").is_file()
    };
    if environment.is_some_and(is_in) {
        let others = env::var_os("PATH").unwrap_or_default();
        let folders = folder.into_iter().chain(env::split_paths(&others));
        if let Ok(folders) = env::join_paths(folders) {
            command.env("PATH", folders);
        }
    }
    command
}

#[derive(Clone)]
enum Loaded {
    Library(Box<LoadedLibrary>, Timeouts),
    Process(Arc<Process>),
}

/// A plugin that passed all checks. A library stays loaded until this process ends; a plugin's
/// process ends when its last clone and its last stage are dropped.
#[derive(Clone)]
pub struct LoadedPlugin {
    /// Path of the plugin.
    pub path: PathBuf,
    /// The plugin's manifest.
    pub manifest: Manifest,
    loaded: Loaded,
}

impl fmt::Debug for LoadedPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedPlugin")
            .field("path", &self.path)
            .field("manifest", &self.manifest)
            .finish()
    }
}

impl LoadedPlugin {
    /// Loads a plugin.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn load(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        if !path.is_file() {
            return Err(LoadError::NotFound {
                path: path.to_owned(),
            });
        }
        let command = match (Kind::of(path), &options.isolate) {
            (Kind::Library, None) => return Self::load_library(path, options),
            (Kind::Library, Some((program, arguments))) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(path);
                command
            }
            (Kind::Program, _) => program(path),
        };
        let (process, manifest) = process::start(path, command, options)?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            loaded: Loaded::Process(Arc::new(process)),
        })
    }

    fn load_library(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        let library = LoadedLibrary::load(path, options.timeouts)?;
        let (path, manifest) = (library.path.clone(), library.manifest.clone());
        Ok(Self {
            path,
            manifest,
            loaded: Loaded::Library(Box::new(library), options.timeouts),
        })
    }

    /// Opens one of its stages.
    ///
    /// # Errors
    /// If the plugin does not fill the stage or refuses.
    pub fn open(&self, stage: Stage, config: &Value) -> Result<OpenStage, OpenError> {
        if !self.manifest.stages.contains(&stage) {
            let (name, fills) = (self.manifest.name.clone(), self.manifest.stages.clone());
            return Err(OpenError::WrongStage {
                stage,
                name,
                path: self.path.clone(),
                fills,
            });
        }
        match &self.loaded {
            Loaded::Library(library, timeouts) => library.open(stage, config, *timeouts),
            Loaded::Process(process) => process::open(process, &self.manifest, stage, config),
        }
    }

    /// Returns the transport of the stage with a number, open or not, for the test kit; `None` for
    /// a library.
    pub fn stage_by_number(&self, number: u64) -> Option<Arc<dyn Transport>> {
        match &self.loaded {
            Loaded::Process(process) => Some(process::stage(process, &self.manifest, number)),
            Loaded::Library(..) => None,
        }
    }

    /// Returns whether the plugin runs in a separate process.
    pub fn is_process(&self) -> bool {
        matches!(self.loaded, Loaded::Process(_))
    }

    /// Returns the fault of the plugin's process, if it can no longer be used.
    pub fn fault(&self) -> Option<ProcessError> {
        self.process().and_then(Process::fault)
    }

    /// Returns the process id of the plugin, if it runs in a separate process.
    pub fn process_id(&self) -> Option<u32> {
        self.process().map(Process::id)
    }

    /// Ends the plugin's process, if it has one. Returns whether the process exited by itself once
    /// its standard input was closed.
    pub fn end(&self) -> bool {
        self.process().is_none_or(Process::end)
    }

    fn process(&self) -> Option<&Process> {
        match &self.loaded {
            Loaded::Process(process) => Some(process),
            Loaded::Library(..) => None,
        }
    }
}
