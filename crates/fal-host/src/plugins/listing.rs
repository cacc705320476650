//! `plugin list`: a row for every plugin found, also for those that are not used, with the reason.

use std::path::{Path, PathBuf};

use fal_loader::{LoadOptions, LoadedPlugin};
use fal_plugin::{manifest::Stage, process::FILE_SUFFIX};
use serde::Serialize;

use super::{
    built_in,
    isolation::{Isolate, name_of},
    names::{self, TakenName},
    packages::Package,
    place::{SearchEntry, SearchOrigin},
    search::SearchPath,
};

/// All plugins, in the order of the search path.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// Folders and files that were searched.
    pub searched: Vec<PathBuf>,
    /// The plugins.
    pub rows: Vec<ListingRow>,
}

/// One plugin.
#[derive(Clone, Debug, Serialize)]
pub struct ListingRow {
    /// Its file.
    pub path: PathBuf,
    /// Where it was found.
    pub place: &'static str,
    /// The packages that brought it into its environment.
    pub packages: Vec<Package>,
    /// Whether its name means it.
    pub state: State,
    /// Name, if it could be read. Of a plugin that is not trusted or is refused, the name of its file.
    pub name: Option<String>,
    /// Version, if it could be read.
    pub version: Option<String>,
    /// Interface version, if it could be read.
    pub interface: Option<String>,
    /// The stages that it fills.
    pub stages: Vec<Stage>,
    /// What it does.
    pub description: String,
    /// Why it is not used, but for another of its name.
    pub error: Option<String>,
    /// An earlier plugin of the same name, which is used instead.
    pub shadowed_by: Option<PathBuf>,
}

/// Whether a plugin's name means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Yes.
    Ok,
    /// Another one of its name comes first.
    Shadowed,
    /// It did not load.
    NotLoaded,
    /// It is in an environment of the project that the user does not trust. It was not loaded.
    NotTrusted,
    /// Its name is that of a plugin of fal-host. The name means neither, until this one is gone.
    Refused,
}

/// Loads every plugin on the search path that is trusted, with libraries isolated as a command would.
pub fn list(search: &SearchPath, isolate: &Isolate) -> Listing {
    let mut rows: Vec<ListingRow> = Vec::new();
    for (path, entry) in search.all() {
        let mut row = row(search, path, entry, isolate);
        let twin = rows
            .iter()
            .find(|other| other.state == State::Ok && other.name == row.name);
        if let Some(twin) = twin.filter(|_| row.state == State::Ok) {
            row.state = State::Shadowed;
            row.shadowed_by = Some(twin.path.clone());
        }
        rows.push(row);
    }
    for path in &search.refused {
        let name = file_name(path);
        rows.extend(names::refused(search, &name, path).map(refused_row));
    }
    Listing {
        searched: search.folders(),
        rows,
    }
}

fn row(search: &SearchPath, path: PathBuf, entry: &SearchEntry, isolate: &Isolate) -> ListingRow {
    let blank = blank_row(path, entry.kind);
    let taken = |name: &str| {
        let is_of_host = built_in::is_name(name);
        is_of_host.then(|| names::taken(search, name, &blank.path, entry.kind))?
    };
    let name = file_name(&blank.path);
    if !entry.trusted {
        let why = "it is in an environment of the project: `fal-host plugin trust` trusts it";
        return ListingRow {
            state: State::NotTrusted,
            name: Some(name),
            error: Some(why.to_owned()),
            ..blank
        };
    }
    if let Some(taken) = taken(&name) {
        return ListingRow {
            place: entry.kind.label(),
            ..refused_row(taken)
        };
    }
    let options = isolate.options(&blank.path, None, &LoadOptions::default());
    let manifest = match LoadedPlugin::load(&blank.path, &options) {
        Ok(plugin) => plugin.manifest,
        Err(error) => {
            return ListingRow {
                state: State::NotLoaded,
                error: Some(error.to_string()),
                ..blank
            };
        }
    };
    let taken = taken(&manifest.name);
    ListingRow {
        state: if taken.is_some() {
            State::Refused
        } else {
            State::Ok
        },
        name: Some(manifest.name),
        version: Some(manifest.version),
        interface: Some(manifest.interface),
        stages: manifest.stages,
        description: manifest.description,
        error: taken.map(|taken| taken.to_string()),
        ..blank
    }
}

/// A plugin that was not loaded, with the packages that brought it.
fn blank_row(path: PathBuf, origin: SearchOrigin) -> ListingRow {
    ListingRow {
        place: origin.label(),
        packages: names::of_file(&path),
        state: State::NotLoaded,
        name: None,
        version: None,
        interface: None,
        stages: Vec::new(),
        description: String::new(),
        error: None,
        shadowed_by: None,
        path,
    }
}

fn refused_row(taken: TakenName) -> ListingRow {
    ListingRow {
        state: State::Refused,
        error: Some(taken.to_string()),
        name: Some(taken.name),
        ..blank_row(taken.path, SearchOrigin::ProjectEnvironment)
    }
}

/// Returns the name of the plugin after which a file is named.
fn file_name(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    file.strip_suffix(FILE_SUFFIX)
        .map_or_else(|| name_of(path), str::to_owned)
}
