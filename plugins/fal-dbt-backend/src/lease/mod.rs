//! Leases: Python nodes that a runner, which is another backend, runs on another machine than the
//! data's.
//!
//! A lent node has a job in the engine, like a node that runs here. But no process of this backend
//! runs it: the runner executes the lease's script ([`script`]). The script holds the worker, the
//! project's Python files ([`bundle`]) and the address of the gateway's listener for runners
//! ([`listener`], with a certificate for this run). [`lend`] prepares all that (`builder`).
//! [`settle`] asks the engine for the job's answer, and commits or rolls back what the job wrote.

mod access;
mod builder;
mod bundle;
mod certificate;
mod leases;
mod lend;
mod listener;
mod native;
mod script;
mod settle;
mod verdict;
mod zip;

pub(crate) use access::GatewayConfig;
pub(crate) use leases::Leases;
pub(crate) use lend::lend;
pub(crate) use settle::settle;
