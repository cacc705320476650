//! Scripts and hooks of a project's models, and its global scripts: who has which, and the work that each is.

mod attachment;
mod attachments;
mod prepare;

pub(crate) use attachment::Attachment;
pub(crate) use attachments::Attachments;
pub(crate) use prepare::Preparer;
