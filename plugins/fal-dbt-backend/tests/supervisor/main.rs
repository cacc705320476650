//! The supervisor over a stand-in worker that speaks the protocol: what happens when things go right, and when not.

mod death;
mod ending;
mod leases;
mod models;
mod requests;
mod support;
