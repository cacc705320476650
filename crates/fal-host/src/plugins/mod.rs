//! The plugin door, seen from inside: find plugins, load them, open their stages.

mod choice;
mod code;
mod error;
mod isolation;
mod listing;
mod relay;
mod search;
mod trust;

pub(crate) use choice::is_path;
pub use choice::{Choice, Chosen, Stages};
pub use error::PluginDoorError;
pub use fal_loader::{
    Hang, LoadError, LoadOptions, LoadedPlugin, OpenError, Timeouts, end_all, on_hang,
    serve_library, under_way,
};
pub use isolation::Isolate;
pub use listing::{Listing, ListingRow, list, list_with};
pub use search::{Place, PlaceKind, SearchPath};
pub use trust::Trust;
