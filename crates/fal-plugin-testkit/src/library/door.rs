//! The `door` cases, which every library must pass before one of its stages is opened.

use std::sync::{Arc, OnceLock};

use fal_loader::{LoadError, LoadedPlugin, check_schema};
use fal_plugin::{manifest::Manifest, payload::PAYLOAD_VERSION};

use super::{
    LibraryOptions, Step,
    program::{self, HELLO},
};
use crate::{
    case::{CaseInfo, Finding, Need, Verdict, ensure},
    report::Outcome,
    wire,
};

const LIBRARY: &str = "door/library";
const INTERFACE: &str = "door/interface";
const LAYOUT: &str = "door/layout";
const MANIFEST: &str = "door/manifest";

/// A case: its name, its need, what it requires and how to fix a failure.
pub(super) type Row = (&'static str, Need, &'static str, &'static str);

type ManifestCheck = fn(&Manifest) -> Verdict;

const LOADING: [Row; 4] = [
    (
        LIBRARY,
        Need::Required,
        "The file is a library of this system whose probe says what it is",
        "build a `cdylib` for this system, and export it with `fal_plugin::export_plugin!`",
    ),
    (
        INTERFACE,
        Need::Required,
        "It was built for an interface that this fal-host knows",
        "build it with a fal-plugin of the same major version, and of no later minor version",
    ),
    (
        LAYOUT,
        Need::Required,
        "Its types have the layout of the interface",
        "let `export_plugin!` write the exports, and build with the released crate fal-plugin, unchanged",
    ),
    (
        MANIFEST,
        Need::Required,
        "Its manifest can be read, agrees with the probe, and has a version by semver",
        "let `export_plugin!` write the manifest; give the package a version such as 1.0.0",
    ),
];
const SCHEMA: Row = (
    "door/config-schema",
    Need::Required,
    "The schema of its configuration is a JSON schema",
    "give a JSON schema of an object, or none if it takes no configuration",
);
const DESCRIPTION: Row = (
    "door/description",
    Need::Optional,
    "One line says what it does",
    "fill `description:` in `export_plugin!`; `fal-host plugin list` shows it",
);
const QUIET: Row = (
    "door/quiet",
    Need::Required,
    "It prints nothing on standard output and standard error",
    "remove prints: standard output belongs to the command's data. A backend reports by its event sink",
);

/// Returns the cases that loading checks, in order.
fn rows(program: bool) -> [Row; 4] {
    if program {
        [HELLO, LOADING[1], LOADING[2], LOADING[3]]
    } else {
        LOADING
    }
}

pub(super) fn info((name, need, holds, _): Row) -> CaseInfo {
    CaseInfo {
        name: name.to_owned(),
        need,
        holds: holds.to_owned(),
    }
}

/// Returns the `door` cases.
pub fn door_contract() -> Vec<CaseInfo> {
    LOADING
        .into_iter()
        .chain([SCHEMA, DESCRIPTION, QUIET])
        .map(info)
        .collect()
}

pub(super) fn quiet() -> CaseInfo {
    info(QUIET)
}

/// Returns the outcome of the case `door/quiet` for a printed text.
#[cfg(unix)]
pub(super) fn heard(text: &str, stream: &str) -> Outcome {
    let line = text.trim().lines().next().unwrap_or_default();
    Outcome::Failed {
        reason: format!("it printed on {stream}: {}", crate::case::quoted(line)),
        fix: QUIET.3.to_owned(),
    }
}

/// A plugin that is loaded when the first case needs it.
pub(super) struct Loading {
    options: LibraryOptions,
    loaded: OnceLock<Result<LoadedPlugin, LoadError>>,
}

impl Loading {
    pub(super) fn new(options: &LibraryOptions) -> Arc<Self> {
        Arc::new(Self {
            options: options.clone(),
            loaded: OnceLock::new(),
        })
    }

    fn get(&self) -> Result<&LoadedPlugin, &LoadError> {
        self.loaded.get_or_init(|| self.options.load()).as_ref()
    }

    /// Loads the plugin, once. Returns `None` if it does not load.
    pub(super) fn library(&self) -> Option<&LoadedPlugin> {
        self.get().ok()
    }
}

/// Returns the case that an error fails. `first` is the first of the cases.
fn of_error(error: &LoadError, first: &'static str) -> &'static str {
    match error {
        LoadError::NotFound { .. }
        | LoadError::NotALibrary { .. }
        | LoadError::NotAPlugin { .. }
        | LoadError::Truncated { .. }
        | LoadError::NotStarted { .. }
        | LoadError::Process { .. }
        | LoadError::Refused { .. }
        | LoadError::BadProbe { .. } => first,
        LoadError::Interface { .. } => INTERFACE,
        LoadError::Abi { .. } => LAYOUT,
        LoadError::BadManifest { .. } => MANIFEST,
    }
}

/// Returns the `door` cases in the order in which loading checks them.
pub(super) fn steps(loading: &Arc<Loading>) -> Vec<Step> {
    let program = loading.options.is_program();
    let loads = rows(program).into_iter().enumerate().map(|(place, row)| {
        let loading = Arc::clone(loading);
        Step::new(info(row), row.3, move || load_case(&loading, place))
    });
    let of_manifest: [(Row, ManifestCheck); 2] = [(SCHEMA, schema), (DESCRIPTION, description)];
    let manifests = of_manifest.into_iter().map(|(row, check)| {
        let loading = Arc::clone(loading);
        Step::new(info(row), row.3, move || check(&loaded(&loading)?.manifest))
    });
    let of_program = if program {
        program::steps(loading, &loading.options)
    } else {
        Vec::new()
    };
    let unasked = program.then(|| {
        let why = "it is a separate process, and no library is loaded".to_owned();
        Step {
            info: info(LOADING[0]),
            run: Box::new(|| Outcome::Skipped { why }),
        }
    });
    unasked
        .into_iter()
        .chain(loads)
        .chain(manifests)
        .chain(of_program)
        .collect()
}

fn loaded(loading: &Loading) -> Result<&LoadedPlugin, Finding> {
    loading
        .get()
        .map_err(|_| Finding::NotApplicable("the plugin did not load".to_owned()))
}

fn load_case(loading: &Loading, place: usize) -> Verdict {
    let program = loading.options.is_program();
    let rows = rows(program);
    let own = rows[place].0;
    match loading.get() {
        Err(error) if of_error(error, rows[0].0) == own => Err(Finding::flaw(error.to_string())),
        _ if program && own == LAYOUT => Err(Finding::NotApplicable(
            "a separate process shares no types with the host".to_owned(),
        )),
        Ok(plugin) if own == MANIFEST => manifest(&plugin.manifest),
        Ok(_) => Ok(()),
        // Loading checks the cases in order, so all cases before the failed one have passed.
        Err(error) => {
            let failed = rows
                .iter()
                .position(|row| row.0 == of_error(error, rows[0].0));
            if failed.is_some_and(|failed| place < failed) {
                Ok(())
            } else {
                loaded(loading).map(drop)
            }
        }
    }
}

fn manifest(manifest: &Manifest) -> Verdict {
    wire::plain_name("its name", &manifest.name)?;
    let version = semver::Version::parse(&manifest.version);
    ensure!(version.is_ok(), "its version is `{}`", manifest.version);
    ensure!(
        manifest.payload <= PAYLOAD_VERSION,
        "it speaks version {} of the payloads, and this fal-host {PAYLOAD_VERSION}",
        manifest.payload
    );
    let mut stages = manifest.stages.clone();
    stages.sort_unstable();
    stages.dedup();
    ensure!(
        stages.len() == manifest.stages.len(),
        "it names a stage twice"
    );
    Ok(())
}

fn schema(manifest: &Manifest) -> Verdict {
    check_schema(manifest).map_err(|error| Finding::flaw(error.to_string()))
}

fn description(manifest: &Manifest) -> Verdict {
    let lines = manifest.description.lines().count();
    ensure!(lines == 1, "it has {lines} lines");
    Ok(())
}
