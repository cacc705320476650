//! The input and the output of a schedule.

use crate::node::Node;
use crate::set::NodeId;

/// The outcome of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The node's dependents may run.
    Succeeded,
    /// The node's dependents must not run.
    Failed,
}

/// Why a node does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipCause {
    /// An ancestor failed.
    Ancestor(NodeId),
    /// Another node failed, and the run stops at the first failure.
    FailFast(NodeId),
    /// The run was stopped.
    Cancelled,
}

/// A node that will not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The node.
    pub node: NodeId,
    /// Why.
    pub cause: SkipCause,
}

/// What changed when a node ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Nodes that may start from now on, in the order of the graph ([`Schedule::pop`](crate::Schedule::pop) hands them out).
    pub ready: Vec<NodeId>,
    /// Nodes that will not run, parents before children.
    pub skipped: Vec<Skipped>,
}

/// Seconds that a node took before, if that is known.
pub type Duration<'a> = dyn Fn(&Node) -> Option<f64> + 'a;

/// How to schedule.
#[derive(Default)]
pub struct ScheduleOptions<'a> {
    /// Seconds that a node took in earlier runs; unknown ones weigh as much as the mean of the known ones.
    pub duration: Option<&'a Duration<'a>>,
    /// Nodes that do nothing when they run.
    pub does_nothing: Option<&'a dyn Fn(&Node) -> bool>,
    /// The class of slots that a node takes one of, from 0; without it all are of class 0.
    pub class: Option<&'a dyn Fn(&Node) -> usize>,
    /// Start nothing more once a node has failed.
    pub fail_fast: bool,
}
