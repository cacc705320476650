//! Finds plugins, loads them, opens their stages.

mod built_in;
mod choice;
mod code;
mod environment;
mod error;
mod isolation;
mod listing;
mod log_buffer;
mod names;
mod packages;
mod place;
mod search;
mod trust;

pub(crate) use choice::is_path;
pub use choice::{ChosenPlugin, PluginChoice, PluginStages};
pub use environment::ProjectEnvironment;
pub use error::PluginChoiceError;
pub use fal_loader::{
    Hang, LoadError, LoadOptions, LoadedPlugin, OpenError, Timeouts, end_all, on_hang,
    serve_library, under_way,
};
pub use isolation::Isolate;
pub use listing::{Listing, ListingRow, State, list};
pub use names::TakenName;
pub use packages::Package;
pub use place::{SearchEntry, SearchOrigin};
pub use search::{ProjectPlugins, SearchPath};
pub use trust::Trust;
