//! Files of folders whose content another person made, such as a cloned project.
//!
//! [`Root`] writes, replaces and removes below one folder. It follows a symbolic link that stays inside that folder and
//! refuses one that leads out of it. [`read`] and [`open`] accept only regular files, so that a named pipe or a device
//! with a harmless name neither blocks the program nor fills its memory.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod leftover;
mod read;
mod root;
mod temporary;

pub use leftover::is_temporary;
pub use read::{DATA, TEXT, check_size, odd_kind, open, read, read_text};
pub use root::{Root, real};
pub use temporary::Temporary;
