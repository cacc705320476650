//! Scripts and hooks: which models have which, and how they become work.

mod attachments;
mod prepare;

pub(crate) use attachments::{Attachment, Attachments};
pub(crate) use prepare::Preparer;
