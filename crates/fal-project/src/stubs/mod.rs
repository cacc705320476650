//! Stubs: those that the project needs, those that are there, and the change from one to the other.

mod apply;
mod conflict;
mod existing;
mod folder;
mod plan;
mod wanted;
pub(crate) mod writable;

pub(crate) use self::{
    apply::apply,
    plan::{StubPlan, Survey, plan},
};
