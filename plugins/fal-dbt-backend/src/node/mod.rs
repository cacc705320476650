//! Runs the nodes of a run in jobs.

mod gateway_job;
mod native;
mod python;
mod script;
mod unit_test;

pub(crate) use gateway_job::new_token;
pub(crate) use native::{start as start_native, work_of as native_work};
pub(crate) use python::{run as run_python, work_of as python_work};
pub(crate) use script::run as run_script;
pub(crate) use unit_test::run as run_unit_test;
