//! Tests of the supervisor with a stand-in worker that speaks the protocol, in success and in
//! failure.

mod death;
mod ending;
mod leases;
mod models;
mod requests;
mod support;
