//! The Python processes of a run: its environments, a warm process in each, and the jobs that are
//! forked from them.

mod environments;
mod job;
mod job_end;
mod job_socket;
mod jobs;
mod last_environments;
mod packages;
mod processes;
mod zygote;
mod zygotes;

pub(crate) use environments::NoEnvironment;
pub(crate) use job::{Attachment, Kind, Work};
pub(crate) use job_end::JobEnd;
pub(crate) use jobs::{Answer, JobError, Stop};
pub(crate) use packages::Packages;
pub(crate) use processes::PythonProcesses;
