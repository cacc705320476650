//! Leases: Python nodes that another backend, a runner, runs where the data is not.
//!
//! A lent node has its job in the session, as one that runs here has. What differs is who runs it: not a process of ours, but
//! whoever executes the lease's script ([`script`]), which carries the worker, the project's Python files ([`bundle`]) and the
//! way to a second listener of the gateway ([`listener`], with a certificate for this run). [`lend`] makes all that ready,
//! and [`settle`] asks the session what the job said, and commits or undoes.

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
