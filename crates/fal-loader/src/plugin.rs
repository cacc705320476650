//! A plugin of either kind.

use std::{
    env::consts::DLL_SUFFIX,
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

/// Takes lines that plugins in processes of their own write to standard error: file or name of the plugin, and the line.
pub type Log = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How plugins are loaded.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// How long calls may take.
    pub timeouts: Timeouts,
    /// Runs libraries in processes of their own: a program that calls `serve_library` for its last argument, and the
    /// arguments ahead of that.
    pub isolate: Option<(PathBuf, Vec<String>)>,
    /// Takes what they write to standard error.
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
    /// What is at `path`, by its name and its permissions.
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

#[derive(Clone)]
enum Loaded {
    Library(Box<LoadedLibrary>, Timeouts),
    Process(Arc<Process>),
}

/// A plugin whose checks all held. A library stays loaded until the process ends; a process of its own ends with the last
/// clone and the last stage of it.
#[derive(Clone)]
pub struct LoadedPlugin {
    /// Its file.
    pub path: PathBuf,
    /// What it says of itself.
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
            (Kind::Program, _) => Command::new(path),
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

    /// The way to the stage that has a number, whether it was opened or not: for the test kit. `None` for a library.
    pub fn stage_by_number(&self, number: u64) -> Option<Arc<dyn Transport>> {
        match &self.loaded {
            Loaded::Process(process) => Some(process::stage(process, &self.manifest, number)),
            Loaded::Library(..) => None,
        }
    }

    /// Whether it is a process of its own.
    pub fn is_process(&self) -> bool {
        matches!(self.loaded, Loaded::Process(_))
    }

    /// What is wrong with it, if it is a process that is of no use any more.
    pub fn fault(&self) -> Option<ProcessError> {
        self.process().and_then(Process::fault)
    }

    /// Number of its process, if it has one of its own.
    pub fn process_id(&self) -> Option<u32> {
        self.process().map(Process::id)
    }

    /// Ends it, if it is a process of its own. True if it ended by itself once its standard input was closed.
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
