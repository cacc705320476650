//! Leases: Python nodes that a runner, which is another backend, runs on another machine than the
//! data's.
//! // A lent node has a job in the session, like a node that runs here. But no process of this
//! backend runs it: the runner executes the lease's script ([`script`]). The script holds the
//! worker, the project's Python files ([`bundle`]) and the address of the gateway's listener for
//! runners ([`listener`], with a certificate for this run). [`lend`] prepares all that. [`settle`]
//! asks the session for the job's answer, and commits or rolls back what the job wrote.

mod access;
mod bundle;
mod certificate;
mod desk;
mod lend;
mod listener;
mod native;
mod script;
mod settle;
mod verdict;
mod zip;

pub(crate) use access::GatewayConfig;
pub(crate) use desk::Desk;
pub(crate) use lend::lend;
pub(crate) use settle::settle;
