//! A session of the execution backend over one project: opened early, loaded once the stubs are written.

mod events;
mod loaded;
mod open;

pub(crate) use loaded::Loaded;
pub(crate) use open::OpenSession;
