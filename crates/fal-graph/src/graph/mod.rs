//! The DAG: nodes by unique id, edges from parents to children.

mod build_order;
mod builder;
mod dag;
mod script;
#[cfg(test)]
mod tests;

pub use builder::DagBuilder;
pub use dag::{Dag, EdgeKind};
pub use script::{AttachedScript, Side};
