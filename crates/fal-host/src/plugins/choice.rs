//! Which plugin fills which stage: `--plugin`, then fal_project.yml, then what ships with fal-host.

use std::{
    collections::BTreeMap,
    env::consts::DLL_SUFFIX,
    path::{Path, PathBuf},
    sync::Arc,
};

use fal_loader::{
    Kind, LoadError, LoadOptions, LoadedPlugin, Log, OpenError, OpenStage, Timeouts, check_config,
};
use fal_plugin::{
    manifest::Stage,
    process::FILE_SUFFIX,
    wire::{BackendClient, NotebookParserClient, PythonParserClient, StubWriterClient},
};
use parking_lot::Mutex;
use serde_json::Value;

use super::{
    code,
    error::PluginChoiceError,
    isolation::{Isolate, in_process},
    log_buffer::LogBuffer,
    names,
    search::SearchPath,
};

/// What the user chose.
#[derive(Clone, Debug, Default)]
pub struct PluginChoice {
    /// Names or paths a stage, in the order in which they are asked. Stages that are missing have their default.
    pub wanted: BTreeMap<Stage, Vec<String>>,
    /// Configuration by name of plugin.
    pub config: BTreeMap<String, Value>,
    /// Libraries that run in separate processes.
    pub isolate: Isolate,
    /// How long calls may take.
    pub timeouts: Timeouts,
}

impl PluginChoice {
    /// Applies `--plugin STAGE=NAME_OR_PATH` of a command line, which replaces the choice for a stage.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn with_flags(mut self, flags: &[String]) -> Result<Self, PluginChoiceError> {
        let mut given: BTreeMap<Stage, Vec<String>> = BTreeMap::new();
        for text in flags {
            let (stage, plugin) = text
                .split_once('=')
                .and_then(|(stage, plugin)| Some((Stage::from_name(stage.trim())?, plugin.trim())))
                .filter(|(_, plugin)| !plugin.is_empty())
                .ok_or_else(|| PluginChoiceError::BadChoice { text: text.clone() })?;
            given.entry(stage).or_default().push(plugin.to_owned());
        }
        self.wanted.extend(given);
        Ok(self)
    }

    fn of(&self, stage: Stage) -> Vec<String> {
        let defaults: &[&str] = match stage {
            Stage::PythonParser => &["fal-python-parser", "fal-python-parser-ruff"],
            Stage::NotebookParser => &["fal-notebook-parser"],
            Stage::StubWriter => &["fal-stub-writer"],
            Stage::ExecutionBackend => &["fal-dbt-backend"],
        };
        self.wanted
            .get(&stage)
            .cloned()
            .unwrap_or_else(|| defaults.iter().map(|&name| name.to_owned()).collect())
    }
}

/// A plugin that was chosen for a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenPlugin {
    /// Stage.
    pub stage: Stage,
    /// Name of the plugin.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its file.
    pub path: PathBuf,
}

/// Opens stages. Loads each plugin once.
pub struct PluginStages {
    choice: PluginChoice,
    search: SearchPath,
    loaded: Mutex<BTreeMap<PathBuf, LoadedPlugin>>,
    chosen: Mutex<Vec<ChosenPlugin>>,
    log_buffer: LogBuffer,
}

impl PluginStages {
    /// Stages as chosen, found on the search path.
    pub fn new(choice: PluginChoice, search: SearchPath) -> Self {
        Self {
            choice,
            search,
            loaded: Mutex::default(),
            chosen: Mutex::default(),
            log_buffer: LogBuffer::default(),
        }
    }

    /// Opens the Python parsers, in the order in which they are asked.
    ///
    /// # Errors
    /// If one does not load.
    pub fn python_parsers(&self) -> Result<Vec<PythonParserClient>, PluginChoiceError> {
        let opened = self.open_all(Stage::PythonParser)?;
        Ok(opened
            .into_iter()
            .map(|open| PythonParserClient::new(open.transport))
            .collect())
    }

    /// Opens the notebook parsers.
    ///
    /// # Errors
    /// If one does not load.
    pub fn notebook_parsers(&self) -> Result<Vec<NotebookParserClient>, PluginChoiceError> {
        let stage = Stage::NotebookParser;
        let opened = self.open_all(stage)?.into_iter();
        opened
            .map(|open| {
                ready(
                    stage,
                    &open,
                    NotebookParserClient::new(Arc::clone(&open.transport)),
                )
            })
            .collect()
    }

    /// Opens the stub writer.
    ///
    /// # Errors
    /// If it does not load.
    pub fn stub_writer(&self) -> Result<StubWriterClient, PluginChoiceError> {
        let open = self.open_one(Stage::StubWriter)?;
        ready(
            Stage::StubWriter,
            &open,
            StubWriterClient::new(Arc::clone(&open.transport)),
        )
    }

    /// Opens the execution backend.
    ///
    /// # Errors
    /// If it does not load.
    pub fn execution_backend(&self) -> Result<BackendClient, PluginChoiceError> {
        let open = self.open_one(Stage::ExecutionBackend)?;
        ready(
            Stage::ExecutionBackend,
            &open,
            BackendClient::new(Arc::clone(&open.transport), Arc::clone(&open.router)),
        )
    }

    /// Opens an execution backend by its name or path, whatever is chosen for the stage: a runner. Without a
    /// `config` it gets the configuration of its name.
    ///
    /// # Errors
    /// If it does not load.
    pub fn open_backend(
        &self,
        wanted: &str,
        config: Option<&Value>,
    ) -> Result<(ChosenPlugin, BackendClient), PluginChoiceError> {
        let stage = Stage::ExecutionBackend;
        let open = self.open_with(stage, wanted, config)?;
        let client = BackendClient::new(Arc::clone(&open.transport), Arc::clone(&open.router));
        let client = ready(stage, &open, client)?;
        let named =
            |chosen: &ChosenPlugin| chosen.stage == stage && chosen.name == open.transport.plugin();
        let chosen = self.chosen().into_iter().rev().find(named);
        let unnamed = || ChosenPlugin {
            stage,
            name: wanted.to_owned(),
            version: String::new(),
            path: PathBuf::new(),
        };
        Ok((chosen.unwrap_or_else(unnamed), client))
    }

    /// Returns which libraries run in separate processes.
    pub fn isolate(&self) -> &Isolate {
        &self.choice.isolate
    }

    /// Returns the names or paths that are chosen as the execution backend.
    pub(crate) fn execution_backend_names(&self) -> Vec<String> {
        self.choice.of(Stage::ExecutionBackend)
    }

    /// Returns the plugins that were opened so far.
    pub fn chosen(&self) -> Vec<ChosenPlugin> {
        self.chosen.lock().clone()
    }

    /// Loads, without opening, what is chosen for a stage.
    ///
    /// # Errors
    /// If one does not load.
    pub fn resolve(&self, stage: Stage) -> Result<Vec<LoadedPlugin>, PluginChoiceError> {
        self.choice
            .of(stage)
            .iter()
            .map(|wanted| self.find(stage, wanted))
            .collect()
    }

    /// Returns everything in plugins that parsing and writing stubs depend on: names, versions, files and
    /// configurations.
    pub fn identity(&self) -> String {
        let of_file = |path: &PathBuf| {
            let data = path.metadata().ok();
            let changed = data.as_ref().and_then(|data| data.modified().ok());
            format!("{path:?} {:?} {changed:?}", data.map(|data| data.len()))
        };
        let of_plugin = |chosen: &ChosenPlugin| {
            let files: Vec<_> = code::files(&chosen.path)
                .unwrap_or_default()
                .iter()
                .map(of_file)
                .collect();
            format!(
                "{chosen:?} {files:?} {:?}",
                self.choice.config.get(&chosen.name)
            )
        };
        let relevant = self
            .chosen()
            .into_iter()
            .filter(|chosen| chosen.stage != Stage::ExecutionBackend);
        relevant
            .map(|chosen| of_plugin(&chosen))
            .collect::<Vec<_>>()
            .join("\n")
    }

    fn open_one(&self, stage: Stage) -> Result<OpenStage, PluginChoiceError> {
        let mut opened = self.open_all(stage)?;
        match (opened.pop(), opened.is_empty()) {
            (Some(open), true) => Ok(open),
            _ => Err(PluginChoiceError::BadChoice {
                text: format!("{stage}={}", self.choice.of(stage).join(",")),
            }),
        }
    }

    fn open_all(&self, stage: Stage) -> Result<Vec<OpenStage>, PluginChoiceError> {
        self.choice
            .of(stage)
            .iter()
            .map(|wanted| self.open(stage, wanted))
            .collect()
    }

    fn open(&self, stage: Stage, wanted: &str) -> Result<OpenStage, PluginChoiceError> {
        self.open_with(stage, wanted, None)
    }

    fn open_with(
        &self,
        stage: Stage,
        wanted: &str,
        config: Option<&Value>,
    ) -> Result<OpenStage, PluginChoiceError> {
        let plugin = self.find(stage, wanted)?;
        let manifest = &plugin.manifest;
        let config = check_config(
            manifest,
            config.or_else(|| self.choice.config.get(&manifest.name)),
        )?;
        let open = plugin.open(stage, &config)?;
        let (name, version) = (manifest.name.clone(), manifest.version.clone());
        let chosen = ChosenPlugin {
            stage,
            name,
            version,
            path: plugin.path.clone(),
        };
        self.chosen.lock().push(chosen);
        Ok(open)
    }

    fn find(&self, stage: Stage, wanted: &str) -> Result<LoadedPlugin, PluginChoiceError> {
        if is_path(wanted) {
            return Ok(self.load(Path::new(wanted), None)?);
        }
        let mut broken = None;
        for path in names::files(&self.search, wanted)? {
            match self.load(&path, Some(wanted)) {
                Ok(plugin) if plugin.manifest.name == wanted => return Ok(plugin),
                Ok(_) => {}
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        // The first of its name decides: to fall back on another silently would hide that it is broken.
        if let Some(error) = broken {
            return Err(error.into());
        }
        self.find_by_manifest(stage, wanted)
    }

    /// The slow way, for plugins whose file is not named after them.
    fn find_by_manifest(
        &self,
        stage: Stage,
        wanted: &str,
    ) -> Result<LoadedPlugin, PluginChoiceError> {
        let (mut known, mut broken) = (Vec::new(), None);
        for (path, _) in self.search.libraries() {
            match self.load(&path, None) {
                Ok(plugin) if plugin.manifest.name == wanted => return Ok(plugin),
                Ok(plugin) if plugin.manifest.stages.contains(&stage) => {
                    known.push(plugin.manifest.name)
                }
                Ok(_) => {}
                Err(LoadError::Interface {
                    name, plugin, host, ..
                }) if name == wanted => {
                    broken = Some(format!("it was built for interface {plugin}, not {host}"));
                }
                Err(LoadError::Abi { name, cause, .. }) if name == wanted => broken = Some(cause),
                Err(_) => {}
            }
        }
        if let Some(path) = self.search.untrusted(wanted) {
            let name = wanted.to_owned();
            return Err(PluginChoiceError::UntrustedEnvironment { name, path });
        }
        let searched = self.search.folders();
        Err(PluginChoiceError::Unknown {
            stage,
            name: wanted.to_owned(),
            searched,
            known,
            broken,
        })
    }

    fn load(&self, path: &Path, wanted: Option<&str>) -> Result<LoadedPlugin, LoadError> {
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(plugin) = self.loaded.lock().get(&key) {
            return Ok(plugin.clone());
        }
        // A bare file name would make the dynamic loader search its own folders.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let options = LoadOptions {
            timeouts: self.choice.timeouts,
            log: Some(self.log_buffer.log()),
            isolate: None,
        };
        let mut plugin =
            LoadedPlugin::load(&path, &self.choice.isolate.options(&path, wanted, &options))?;
        // A file that is not named after its plugin: only now it shows that it is one of those.
        if Kind::of(&path) == Kind::Library
            && !plugin.is_process()
            && self.choice.isolate.means(&plugin.manifest.name)
        {
            plugin = LoadedPlugin::load(&path, &in_process(&options))?;
        }
        self.loaded.lock().insert(key, plugin.clone());
        Ok(plugin)
    }

    /// Attaches the log for the standard error of plugins in separate processes.
    pub(crate) fn log_to(&self, log: Log) {
        self.log_buffer.to(log);
    }
}

fn ready<T>(
    stage: Stage,
    open: &OpenStage,
    client: Result<T, fal_plugin::PluginError>,
) -> Result<T, PluginChoiceError> {
    let name = open.transport.plugin().to_owned();
    client.map_err(|error| OpenError::Refused { name, stage, error }.into())
}

/// Whether a choice names a file rather than a plugin.
pub(crate) fn is_path(wanted: &str) -> bool {
    wanted.contains(['/', '\\']) || wanted.ends_with(DLL_SUFFIX) || wanted.ends_with(FILE_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_replace_what_the_project_chose_for_their_stage() {
        let wanted = BTreeMap::from([
            (Stage::StubWriter, vec!["acme-stubs".to_owned()]),
            (Stage::PythonParser, vec!["acme-parser".to_owned()]),
        ]);
        let choice = PluginChoice {
            wanted,
            ..PluginChoice::default()
        };
        let flags = [
            "python-parser=./a.so".to_owned(),
            "python-parser=b".to_owned(),
        ];
        let choice = choice.with_flags(&flags).unwrap();
        assert_eq!(choice.of(Stage::PythonParser), ["./a.so", "b"]);
        assert_eq!(choice.of(Stage::StubWriter), ["acme-stubs"]);
        assert_eq!(choice.of(Stage::NotebookParser), ["fal-notebook-parser"]);
    }

    #[test]
    fn a_flag_without_a_stage_is_refused() {
        for text in ["x", "x=y", "stub-writer=", "=y"] {
            assert!(
                PluginChoice::default()
                    .with_flags(&[text.to_owned()])
                    .is_err(),
                "{text}"
            );
        }
    }
}
