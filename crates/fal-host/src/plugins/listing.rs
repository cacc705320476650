//! `plugin list`: a row for every plugin found, also for those that did not load, with the reason.

use std::path::PathBuf;

use fal_loader::{LoadOptions, LoadedPlugin};
use fal_plugin::manifest::Stage;
use serde::Serialize;

use super::{
    isolation::Isolate,
    search::{SearchOrigin, SearchPath},
};

/// All libraries, in the order of the search path.
#[derive(Clone, Debug, Serialize)]
pub struct Listing {
    /// Folders and files that were searched.
    pub searched: Vec<PathBuf>,
    /// The libraries.
    pub rows: Vec<ListingRow>,
}

/// One library.
#[derive(Clone, Debug, Serialize)]
pub struct ListingRow {
    /// Its file.
    pub path: PathBuf,
    /// Where it was found.
    pub place: &'static str,
    /// Name, if it could be read.
    pub name: Option<String>,
    /// Version, if it could be read.
    pub version: Option<String>,
    /// Interface version, if it could be read.
    pub interface: Option<String>,
    /// The stages that it fills.
    pub stages: Vec<Stage>,
    /// What it does.
    pub description: String,
    /// Why it did not load.
    pub error: Option<String>,
    /// An earlier library of the same name, which is used instead.
    pub shadowed_by: Option<PathBuf>,
}

/// Loads every plugin on the search path, with libraries isolated as a command would.
pub fn list(search: &SearchPath, isolate: &Isolate) -> Listing {
    let mut rows: Vec<ListingRow> = Vec::new();
    for (path, kind) in search.libraries() {
        let mut row = row(path, kind, isolate);
        let twin = rows
            .iter()
            .find(|other| other.error.is_none() && other.name.is_some() && other.name == row.name);
        row.shadowed_by = twin.map(|twin| twin.path.clone());
        rows.push(row);
    }
    Listing {
        searched: search.folders(),
        rows,
    }
}

fn row(path: PathBuf, kind: SearchOrigin, isolate: &Isolate) -> ListingRow {
    let loaded = LoadedPlugin::load(
        &path,
        &isolate.options(&path, None, &LoadOptions::default()),
    );
    let (manifest, error) = match loaded {
        Ok(plugin) => (Some(plugin.manifest), None),
        Err(error) => (None, Some(error.to_string())),
    };
    ListingRow {
        place: kind.label(),
        name: manifest.as_ref().map(|manifest| manifest.name.clone()),
        version: manifest.as_ref().map(|manifest| manifest.version.clone()),
        interface: manifest.as_ref().map(|manifest| manifest.interface.clone()),
        stages: manifest
            .as_ref()
            .map(|manifest| manifest.stages.clone())
            .unwrap_or_default(),
        description: manifest
            .map(|manifest| manifest.description)
            .unwrap_or_default(),
        error,
        shadowed_by: None,
        path,
    }
}
