//! The plugin door, seen from inside: find libraries, load them, open their stages.

mod choice;
mod error;
mod listing;
mod search;
mod trust;

pub(crate) use choice::is_path;
pub use choice::{Choice, Chosen, Stages};
pub use error::PluginDoorError;
pub use fal_loader::{LoadError, LoadedLibrary, OpenError};
pub use listing::{Listing, ListingRow, list};
pub use search::{Place, PlaceKind, SearchPath};
pub use trust::Trust;
