//! The DAG of a dbt project with Python models: cycles, selection, scheduling, rendering. No IO, no clock, no process.
//!
//! The way through:
//!
//! ```
//! use fal_graph::{
//!     AttachedScript, Criteria, DagBuilder, GraphNode, Outcome, ResourceTypes, Schedule, ScheduleOptions, Selector, Side,
//! };
//!
//! # fn model(name: &str, parents: &[&str]) -> GraphNode {
//! #     GraphNode {
//! #         unique_id: format!("model.shop.{name}"),
//! #         name: name.to_owned(),
//! #         resource_type: "model".to_owned(),
//! #         package_name: "shop".to_owned(),
//! #         original_file_path: format!("models/{name}.sql"),
//! #         fqn: vec!["shop".to_owned(), name.to_owned()],
//! #         depends_on: parents.iter().map(|p| format!("model.shop.{p}")).collect(),
//! #         ..GraphNode::default()
//! #     }
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let nodes = vec![model("orders", &[]), model("forecast", &["orders"])];
//! // 1. dbt's nodes, then the additions of fal-host: the Python file of a stub, a script after a model.
//! let mut builder = DagBuilder::new("shop");
//! builder.nodes(nodes);
//! builder.python_model("model.shop.forecast", "models/forecast.py");
//! builder.script(AttachedScript {
//!     id: "script.orders.AFTER.tell.py".to_owned(),
//!     model: "model.shop.orders".to_owned(),
//!     side: Side::After,
//!     file: "scripts/tell.py".to_owned(),
//! });
//! let dag = builder.build()?; // every cycle is reported as the cycle itself
//!
//! // 2. What the user wants of it.
//! let criteria =
//!     Criteria { select: vec!["orders+".into()], resource_types: ResourceTypes::of_command("run"), ..Criteria::default() };
//! let selection = Selector::new(&dag).select(&criteria)?;
//! assert_eq!(selection.ids(&dag), ["model.shop.forecast", "model.shop.orders", "script.orders.AFTER.tell.py"]);
//!
//! // 3. Run it: `pop` what may start, tell how it `finished`.
//! let mut schedule = Schedule::new(&dag, &selection.nodes, ScheduleOptions::default());
//! while !schedule.is_done() {
//!     for node in schedule.pop(4) {
//!         let step = schedule.finished(node, Outcome::Succeeded);
//!         assert!(step.skipped.is_empty());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Nodes are named by [`NodeId`] (a small number, valid for one [`Dag`]) inside and by dbt's unique id outside.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

mod cycle;
mod error;
mod export;
mod graph;
mod kind;
mod node;
mod ready;
mod select;
mod set;

pub use cycle::Cycle;
pub use error::{DagError, SelectError};
pub use export::{Format, render};
pub use fal_plugin::payload::GraphNode;
pub use graph::{AttachedScript, Dag, DagBuilder, EdgeKind, Side};
pub use kind::NodeKind;
pub use node::Node;
pub use ready::{Duration, Outcome, Schedule, ScheduleOptions, SkipCause, Skipped, Step};
pub use select::{
    Criteria, External, IndirectSelection, ResourceTypes, Selection, SelectionWarning, Selector,
};
pub use set::{NodeId, NodeSet};
