//! Finds plugins, loads them, opens their stages.

mod choice;
mod code;
mod error;
mod isolation;
mod listing;
mod log_buffer;
mod search;
mod trust;

pub(crate) use choice::is_path;
pub use choice::{ChosenPlugin, PluginChoice, PluginStages};
pub use error::PluginChoiceError;
pub use fal_loader::{
    Hang, LoadError, LoadOptions, LoadedPlugin, OpenError, Timeouts, end_all, on_hang,
    serve_library, under_way,
};
pub use isolation::Isolate;
pub use listing::{Listing, ListingRow, list};
pub use search::{SearchEntry, SearchOrigin, SearchPath};
pub use trust::Trust;
