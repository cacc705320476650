//! Scripts and hooks: which models have which, and how they become work.

mod attachment;
mod attachments;
mod prepare;

pub(crate) use attachment::Attachment;
pub(crate) use attachments::Attachments;
pub(crate) use prepare::Preparer;
