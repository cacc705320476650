//! The messages of a plugin that is a separate process: frames over its standard input and output, whose methods and
//! payloads are those of [`wire`](crate::wire). The protocol is described in `docs/plugins/processes.md`.

mod frame;
mod message;

pub use frame::{write_frame, FrameError, FrameReader, MAX_ATTACHMENT, MAX_MESSAGE};
pub use message::{Call, Hello, Message};

/// Version of the protocol: the value of [`PROTOCOL_VARIABLE`].
pub const PROTOCOL_VERSION: &str = "1";

/// Environment variable that tells a program that it was started as a plugin, and the version of the protocol.
pub const PROTOCOL_VARIABLE: &str = "FAL_PLUGIN_PROTOCOL";

/// The ending of such a plugin's file name.
pub const FILE_SUFFIX: &str = ".fal-plugin";
