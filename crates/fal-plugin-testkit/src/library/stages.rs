//! The cases of the stages of a plugin.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    LibraryOptions, Step,
    door::{self, Loading},
    program,
};
use crate::{
    case::{Case, CaseInfo, Finding, Need, Verdict, ensure, guarded},
    execution, notebook, python,
    report::Outcome,
    stub,
};
use fal_loader::{LoadedPlugin, OpenStage, check_config, check_schema};
use fal_plugin::{
    ExecutionBackend, NotebookParser, PluginError, PythonParser, StubWriter,
    manifest::Stage,
    payload::StubRequest,
    wire::{BackendClient, NotebookParserClient, PythonParserClient, StubWriterClient, Transport},
};

/// Has all cases of a library run in order, first the `door` cases, then those of its stages.
/// Returns a description of the library.
pub(super) fn walk(options: &LibraryOptions, perform: &mut dyn FnMut(Vec<Step>)) -> String {
    let loading = Loading::new(options);
    perform(door::steps(&loading));
    let path = options.path.display();
    let Some(library) = loading.library() else {
        return path.to_string();
    };
    perform(steps(library, options));
    let manifest = &library.manifest;
    let stages: Vec<_> = manifest.stages.iter().map(|stage| stage.name()).collect();
    let (name, version, interface) = (&manifest.name, &manifest.version, &manifest.interface);
    format!(
        "{name} {version}, interface {interface}: {}\n{path}",
        stages.join(", ")
    )
}

fn steps(library: &LoadedPlugin, options: &LibraryOptions) -> Vec<Step> {
    let wanted = if options.stages.is_empty() {
        &library.manifest.stages
    } else {
        &options.stages
    };
    let of_stage = |stage: &Stage| {
        let (plugin, options) = (library.clone(), options.clone());
        match stage {
            Stage::PythonParser => Behind::steps(
                *stage,
                plugin,
                options,
                python::CASES,
                python_parser,
                use_python,
            ),
            Stage::NotebookParser => Behind::steps(
                *stage,
                plugin,
                options,
                notebook::CASES,
                notebooks,
                use_notebooks,
            ),
            Stage::StubWriter => {
                Behind::steps(*stage, plugin, options, stub::CASES, stubs, use_stubs)
            }
            Stage::ExecutionBackend => Behind::steps(
                *stage,
                plugin,
                options,
                execution::CASES,
                backend,
                use_backend,
            ),
        }
    };
    wanted.iter().flat_map(of_stage).collect()
}

fn python_parser(open: OpenStage) -> Result<Box<dyn PythonParser>, PluginError> {
    Ok(Box::new(PythonParserClient::new(open.transport)))
}

fn notebooks(open: OpenStage) -> Result<Box<dyn NotebookParser>, PluginError> {
    Ok(Box::new(NotebookParserClient::new(open.transport)?))
}

fn stubs(open: OpenStage) -> Result<Box<dyn StubWriter>, PluginError> {
    Ok(Box::new(StubWriterClient::new(open.transport)?))
}

fn backend(open: OpenStage) -> Result<Box<dyn ExecutionBackend>, PluginError> {
    Ok(Box::new(BackendClient::new(open.transport, open.router)?))
}

// These functions make a stage do some work. Its answer does not matter.

fn use_python(parser: &dyn PythonParser) {
    let _ = parser.parse("models/a.py", "write_to_model(ref('a'))\n");
}

fn use_notebooks(parser: &dyn NotebookParser) {
    let _ = parser.parse("models/a.ipynb", b"{}");
}

fn use_stubs(writer: &dyn StubWriter) {
    let _ = writer.render(&StubRequest {
        model: "a".to_owned(),
        path: "a.py".to_owned(),
        dependencies: Vec::new(),
    });
}

fn use_backend(backend: &dyn ExecutionBackend) {
    let _ = backend.capabilities();
}

/// Returns the first and the last case of every stage of a library.
pub fn stage_contract(stage: Stage) -> [CaseInfo; 2] {
    [
        (
            "opens",
            "The stage opens with the configuration that it is given, or with none",
        ),
        (
            "no-thread-left",
            "A stage that is opened, used and dropped leaves no further thread behind",
        ),
    ]
    .map(|(name, holds)| CaseInfo {
        name: format!("{stage}/{name}"),
        need: Need::Required,
        holds: holds.to_owned(),
    })
}

/// A stage that is opened when its first case needs it.
struct Behind<S: ?Sized> {
    stage: Stage,
    options: LibraryOptions,
    client: fn(OpenStage) -> Result<Box<S>, PluginError>,
    state: Mutex<State<S>>,
}

/// The plugin and the open stage.
struct State<S: ?Sized> {
    plugin: LoadedPlugin,
    opened: Option<Attempt<S>>,
    /// How often the plugin's process has ended.
    ends: usize,
}

type Attempt<S> = Arc<Result<Opened<S>, PluginError>>;

/// The number of ends after which a plugin's process is not restarted. After its first end, it is
/// started once more for the remaining cases.
const ENDS: usize = 2;

struct Opened<S: ?Sized> {
    stage: Box<S>,
    transport: Arc<dyn Transport>,
}

impl<S: ?Sized + Send + Sync + 'static> Behind<S> {
    fn steps(
        stage: Stage,
        plugin: LoadedPlugin,
        options: LibraryOptions,
        cases: &'static [Case<S>],
        client: fn(OpenStage) -> Result<Box<S>, PluginError>,
        work: fn(&S),
    ) -> Vec<Step> {
        let state = Mutex::new(State {
            plugin,
            opened: None,
            ends: 0,
        });
        let behind = Arc::new(Self {
            stage,
            options,
            client,
            state,
        });
        let mut steps = vec![behind.opens()];
        steps.extend(cases.iter().map(|case| behind.case(case)));
        steps.push(behind.leaves_no_thread(work));
        steps
    }

    fn opens(self: &Arc<Self>) -> Step {
        let behind = Arc::clone(self);
        let [info, _] = stage_contract(self.stage);
        let fix = "answer a working stage for an empty configuration; if it needs one, check with `--config`";
        Step::new(info, fix, move || behind.open_first())
    }

    fn case(self: &Arc<Self>, case: &'static Case<S>) -> Step {
        let behind = Arc::clone(self);
        let run = move || match &*behind.get() {
            Ok(opened) => behind.unless_ended(case.run(&*opened.stage, &*opened.transport)),
            Err(_) => guarded("", || Err(Finding::NotApplicable(behind.why_closed()))),
        };
        Step {
            info: case.info(),
            run: Box::new(run),
        }
    }

    fn leaves_no_thread(self: &Arc<Self>, work: fn(&S)) -> Step {
        let behind = Arc::clone(self);
        let [_, info] = stage_contract(self.stage);
        let fix =
            "end and join in `Drop` what the stage started; one pool for the whole library is fine";
        Step::new(info, fix, move || behind.count_threads(work))
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Attempt<S> {
        let mut state = self.state();
        if state.plugin.fault().is_some() && state.ends < ENDS {
            state.ends += 1;
            state.opened = None;
            if state.ends < ENDS
                && let Ok(plugin) = self.options.load()
            {
                state.plugin = plugin;
            }
        }
        if let Some(opened) = &state.opened {
            return Arc::clone(opened);
        }
        let opened = Arc::new(self.open(&state.plugin));
        state.opened = Some(Arc::clone(&opened));
        opened
    }

    /// Returns the outcome of a case, or a failure if the plugin's process ended during the case.
    fn unless_ended(&self, outcome: Outcome) -> Outcome {
        match self.state().plugin.fault() {
            Some(fault) => Outcome::Failed {
                reason: fault.to_string(),
                fix: program::DIED_FIX.to_owned(),
            },
            None => outcome,
        }
    }

    fn why_closed(&self) -> String {
        match self.state().ends {
            ENDS.. => "the plugin ended the check of this stage by force".to_owned(),
            _ => "the stage did not open".to_owned(),
        }
    }

    fn open_first(&self) -> Verdict {
        if check_schema(&self.state().plugin.manifest).is_err() {
            return Err(Finding::NotApplicable(
                "no configuration fits its schema".to_owned(),
            ));
        }
        match &*self.get() {
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone().into()),
        }
    }

    fn open(&self, plugin: &LoadedPlugin) -> Result<Opened<S>, PluginError> {
        let refused = |error: fal_loader::OpenError| match error {
            fal_loader::OpenError::Refused { error, .. } => error,
            other => PluginError::new("plugin::open", other.to_string()),
        };
        let config =
            check_config(&plugin.manifest, self.options.config.as_ref()).map_err(refused)?;
        let open = plugin.open(self.stage, &config).map_err(refused)?;
        let transport = Arc::clone(&open.transport);
        Ok(Opened {
            stage: (self.client)(open)?,
            transport,
        })
    }

    fn count_threads(&self, work: fn(&S)) -> Verdict {
        let Some(_) = threads() else {
            return Err(Finding::NotApplicable(
                "this system does not tell of threads".to_owned(),
            ));
        };
        if self.get().is_err() {
            return Err(Finding::NotApplicable(self.why_closed()));
        }
        let plugin = self.state().plugin.clone();
        if plugin.is_process() {
            return Err(Finding::NotApplicable(
                "its threads end with its process".to_owned(),
            ));
        }
        const TIMES: usize = 5;
        let round = || self.open(&plugin).map(|opened| work(&*opened.stage));
        // The first round may start threads that the plugin keeps for its lifetime.
        round()?;
        let before = settled(0);
        (0..TIMES).try_for_each(|_| round())?;
        let after = settled(before);
        ensure!(
            after < before + TIMES,
            "there were {before} threads, and {after} after {TIMES} times"
        );
        Ok(())
    }
}

/// Returns the number of threads of this process.
fn threads() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

/// Waits up to a second until ending threads are gone. Returns the number of remaining threads.
fn settled(enough: usize) -> usize {
    let mut count = threads().unwrap_or_default();
    let mut unchanged = 0;
    for _ in 0..100 {
        if count <= enough || (enough == 0 && unchanged > 3) {
            break;
        }
        thread::sleep(Duration::from_millis(10));
        let now = threads().unwrap_or_default();
        unchanged = if now == count { unchanged + 1 } else { 0 };
        count = now;
    }
    count
}
