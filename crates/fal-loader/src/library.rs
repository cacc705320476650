//! Loads a library into this process. Checks its file, length, probe, interface version, header,
//! layout and manifest, each before the first use of what the check guarantees.

use std::{
    error::Error,
    ffi::{CStr, c_char},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use abi_stable::{
    library::{LibHeader, LibraryError, lib_header_from_path},
    sabi_trait::TD_Opaque,
    std_types::{RResult, RSlice, RStr},
};
use fal_plugin::{
    PluginError,
    abi::{HostObject, HostObject_TO, PluginRootRef, StageBox},
    manifest::{INTERFACE_VERSION, Manifest, Probe, Stage},
    wire::{EventRouter, Transport, WireError},
};
use semver::Version;
use serde_json::Value;

use crate::{
    error::{LoadError, OpenError},
    timeouts::Timeouts,
    truncated::{self, Missing},
    watch::Watch,
};

/// A library that passed all checks. It stays loaded until the process ends, since its code may
/// have left threads and thread-locals behind.
#[derive(Clone)]
pub(crate) struct LoadedLibrary {
    /// Path of the library.
    pub(crate) path: PathBuf,
    /// The library's manifest.
    pub(crate) manifest: Manifest,
    root: PluginRootRef,
}

impl std::fmt::Debug for LoadedLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedLibrary")
            .field("path", &self.path)
            .field("manifest", &self.manifest)
            .finish()
    }
}

impl LoadedLibrary {
    /// Loads a library.
    ///
    /// # Errors
    /// The first check that failed.
    pub(crate) fn load(path: &Path, timeouts: Timeouts) -> Result<Self, LoadError> {
        if !path.is_file() {
            return Err(LoadError::NotFound {
                path: path.to_owned(),
            });
        }
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let _watch = Watch::library(timeouts.call, &Arc::from(&*file_name), "load");
        check_length(path)?;
        let probe = read_probe(path)?;
        check_probe(path, &probe)?;
        let abi = |cause: String| LoadError::Abi {
            path: path.to_owned(),
            name: probe.name.clone(),
            cause,
        };
        let header = header(path).map_err(|cause| abi(in_one_line(&cause)))?;
        let root = header
            .init_root_module::<PluginRootRef>()
            .map_err(|cause| abi(in_one_line(&cause)))?;
        let manifest = read_manifest(path, &probe, root)?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            root,
        })
    }

    /// Opens a stage by its name. Returns its transport, or the plugin's error as JSON. Passes
    /// events to `emit` unread.
    pub(crate) fn open_raw(
        &self,
        stage: &str,
        config: &str,
        emit: Emit,
        timeouts: Timeouts,
    ) -> Result<Arc<dyn Transport>, Vec<u8>> {
        let name = self.manifest.name.clone();
        let watched = Arc::from(name.as_str());
        let host = HostObject_TO::from_value(Host(emit), TD_Opaque);
        let _watch = Watch::library(timeouts.call, &watched, "open");
        match (self.root.open())(RStr::from_str(stage), RStr::from_str(config), host) {
            RResult::ROk(object) => Ok(Arc::new(LibraryTransport {
                name,
                object: Some(object),
                watched,
                timeouts,
            })),
            RResult::RErr(error) => Err(error.into()),
        }
    }

    pub(crate) fn open(
        &self,
        stage: Stage,
        config: &Value,
        timeouts: Timeouts,
    ) -> Result<OpenStage, OpenError> {
        let router = Arc::new(EventRouter::default());
        let events = Arc::clone(&router);
        let emit: Emit = Arc::new(move |event| events.route(event));
        let name = self.manifest.name.clone();
        match self.open_raw(stage.name(), &config.to_string(), emit, timeouts) {
            Ok(transport) => Ok(OpenStage { transport, router }),
            Err(error) => Err(OpenError::Refused {
                error: open_error(&name, &error),
                name,
                stage,
            }),
        }
    }
}

/// Takes the JSON of an event.
pub(crate) type Emit = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// An open stage of a library, and the sink for its events.
pub struct OpenStage {
    /// Carries calls to it.
    pub transport: Arc<dyn Transport>,
    /// Takes its events.
    pub router: Arc<EventRouter>,
}

struct LibraryTransport {
    name: String,
    /// Gone once it is dropped.
    object: Option<StageBox>,
    /// The plugin's name, shared with the watcher of each call.
    watched: Arc<str>,
    timeouts: Timeouts,
}

impl Transport for LibraryTransport {
    fn plugin(&self) -> &str {
        &self.name
    }

    fn call(&self, method: &str, request: &[u8], attachment: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        let _watch = Watch::library(self.timeouts.of(method), &self.watched, method);
        let Some(object) = &self.object else {
            return Err(Vec::new());
        };
        let answer = object.call(
            RStr::from_str(method),
            RSlice::from_slice(request),
            RSlice::from_slice(attachment),
        );
        match answer {
            RResult::ROk(bytes) => Ok(bytes.into()),
            RResult::RErr(bytes) => Err(bytes.into()),
        }
    }
}

impl Drop for LibraryTransport {
    fn drop(&mut self) {
        // Dropping the stage runs the plugin's code too.
        let _watch = Watch::library(self.timeouts.call, &self.watched, "drop");
        self.object = None;
    }
}

struct Host(Emit);

impl HostObject for Host {
    fn event(&self, event: RSlice<'_, u8>) {
        // A panic must not cross into the plugin.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(event.as_slice())));
    }
}

pub(crate) fn open_error(plugin: &str, error: &[u8]) -> PluginError {
    match serde_json::from_slice(error) {
        Ok(WireError::Plugin { error }) => error,
        Ok(WireError::Panic { message }) => {
            PluginError::new("plugin::panic", format!("it panicked: {message}"))
        }
        _ => PluginError::new(
            "plugin::bad_answer",
            format!("`{plugin}` answered something unreadable"),
        ),
    }
}

fn check_length(path: &Path) -> Result<(), LoadError> {
    match truncated::missing(path) {
        Ok(None) => Ok(()),
        Ok(Some(Missing { has, needs })) => Err(LoadError::Truncated {
            path: path.to_owned(),
            has,
            needs,
        }),
        Err(cause) => Err(LoadError::NotALibrary {
            path: path.to_owned(),
            cause: cause.to_string(),
        }),
    }
}

/// Reads the probe. It is plain C, since none of the library's types can be trusted yet.
fn read_probe(path: &Path) -> Result<Probe, LoadError> {
    // SAFETY: this runs the library's initialisers. Only files that the user installed or named get
    // this far.
    #[expect(unsafe_code, reason = "loading native code is what this module is for")]
    let library = unsafe { libloading::Library::new(path) }.map_err(|error| {
        // The reason is the source; the error itself only says which call failed.
        let cause = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        LoadError::NotALibrary {
            path: path.to_owned(),
            cause: cause.replace(&format!("{}: ", path.display()), ""),
        }
    })?;
    // SAFETY: the symbol's type is fixed for ever by the interface; its text is static and ends with a zero byte.
    #[expect(unsafe_code, reason = "loading native code is what this module is for")]
    let text = unsafe {
        let probe = library.get::<extern "C" fn() -> *const c_char>(b"fal_plugin_probe\0");
        let probe = probe.map_err(|_| LoadError::NotAPlugin {
            path: path.to_owned(),
        })?;
        let text = probe();
        if text.is_null() {
            Vec::new()
        } else {
            CStr::from_ptr(text).to_bytes().to_vec()
        }
    };
    // Never unloaded: see `LoadedLibrary`.
    std::mem::forget(library);
    serde_json::from_slice(&text).map_err(|cause| LoadError::BadProbe {
        path: path.to_owned(),
        cause: cause.to_string(),
    })
}

/// Returns whether a host accepts a plugin that was built with another version of the interface.
/// The major versions must be equal, and the plugin's minor version must not be above the host's,
/// since a host knows what older plugins may lack. The patch version does not matter.
pub fn fits(plugin: &str, host: &str) -> bool {
    match (Version::parse(plugin), Version::parse(host)) {
        (Ok(plugin), Ok(host)) => plugin.major == host.major && plugin.minor <= host.minor,
        _ => false,
    }
}

pub(crate) fn check_probe(path: &Path, probe: &Probe) -> Result<(), LoadError> {
    if fits(&probe.interface, INTERFACE_VERSION) {
        return Ok(());
    }
    Err(LoadError::Interface {
        path: path.to_owned(),
        name: probe.name.clone(),
        version: probe.version.clone(),
        plugin: probe.interface.clone(),
        host: INTERFACE_VERSION.to_owned(),
    })
}

fn header(path: &Path) -> Result<&'static LibHeader, LibraryError> {
    lib_header_from_path(path)
}

fn read_manifest(path: &Path, probe: &Probe, root: PluginRootRef) -> Result<Manifest, LoadError> {
    let bad = |cause: String| LoadError::BadManifest {
        path: path.to_owned(),
        name: probe.name.clone(),
        cause,
    };
    let text = (root.manifest())();
    let manifest: Manifest = serde_json::from_str(&text).map_err(|cause| bad(cause.to_string()))?;
    check_manifest(&manifest, probe).map_err(bad)?;
    Ok(manifest)
}

/// Checks what a manifest must say, of a library and of a program.
pub(crate) fn check_manifest(manifest: &Manifest, probe: &Probe) -> Result<(), String> {
    // Errors name the plugin, and so do the lists of plugins.
    if manifest.name.trim().is_empty() {
        return Err("it has no name".to_owned());
    }
    if manifest.stages.is_empty() {
        return Err("it names no stage".to_owned());
    }
    if manifest.name != probe.name {
        return Err(format!("it calls itself `{}`", manifest.name));
    }
    Ok(())
}

/// Shortens a report of abi_stable. Reports have many lines and may hold a whole layout; the first
/// lines say which check failed.
fn in_one_line(cause: &LibraryError) -> String {
    let text = cause.to_string();
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(6)
        .collect();
    lines.join(" ").chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn the_rule_of_versions() {
        for (plugin, host, expected) in [
            ("1.0.0", "1.0.0", true),
            ("1.0.0", "1.4.0", true),
            ("1.4.9", "1.4.0", true),
            ("1.5.0", "1.4.7", false),
            ("2.0.0", "1.4.0", false),
            ("1.9.0", "2.0.0", false),
            ("one", "1.0.0", false),
        ] {
            assert_eq!(
                fits(plugin, host),
                expected,
                "a plugin of {plugin} in a host of {host}"
            );
        }
    }
}
