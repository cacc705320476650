//! Which relations a file reads.

mod code;
mod docstring;
mod found;
mod jinja;
mod literal_call;
mod loops;
mod reference;
mod sql;
mod value_use;

pub(crate) use code::collect;
pub(crate) use docstring::docstring;
pub(crate) use found::Found;
