//! The schedule of a run, and its state.

use super::heap::{Heaps, Ready};
use super::outcome::{Outcome, ScheduleOptions, SkipCause, Skipped, Step};
use super::priority::priorities;
use crate::graph::Dag;
use crate::set::{NodeId, NodeSet};

/// State of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never handed out: done as soon as its parents are.
    PassThrough,
    /// A parent has not ended, or it is in the heap.
    Waiting,
    Running,
    Done,
    Skipped,
}

/// The state of a run.
#[derive(Debug)]
pub struct Schedule {
    /// Parents that have not ended.
    pending: Vec<u32>,
    state: Vec<State>,
    children: Children,
    order: Vec<NodeId>,
    priority: Vec<f64>,
    class: Vec<usize>,
    ready: Heaps,
    fail_fast: bool,
    total: usize,
    running: usize,
    ended: usize,
}

impl Schedule {
    /// Creates the schedule of the selected nodes.
    pub fn new(dag: &Dag, selected: &NodeSet, options: ScheduleOptions<'_>) -> Self {
        let does_nothing = |id| {
            options
                .does_nothing
                .is_some_and(|check| check(dag.node(id)))
        };
        let state: Vec<State> = dag
            .nodes()
            .map(|(id, _)| {
                if selected.contains(id) && !does_nothing(id) {
                    State::Waiting
                } else {
                    State::PassThrough
                }
            })
            .collect();
        let total = state
            .iter()
            .filter(|state| **state == State::Waiting)
            .count();
        let mut schedule = Self {
            pending: vec![0; dag.len()],
            priority: priorities(
                dag,
                |node| state[node.index()] == State::Waiting,
                options.duration,
            ),
            children: Children::new(dag),
            order: dag.order().to_vec(),
            class: dag
                .nodes()
                .map(|(_, node)| options.class.map_or(0, |class| class(node)))
                .collect(),
            ready: Heaps::default(),
            fail_fast: options.fail_fast,
            running: 0,
            ended: 0,
            state,
            total,
        };
        schedule.count_parents();
        schedule.start();
        schedule
    }

    /// Returns the number of nodes that run.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Returns the number of nodes that were handed out and have not ended.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Returns whether every node has ended or was skipped.
    pub fn is_done(&self) -> bool {
        self.ended == self.total
    }

    /// Hands out up to `n` nodes of any class that may start now, the most urgent first. They count
    /// as running.
    pub fn pop(&mut self, n: usize) -> Vec<NodeId> {
        let mut popped = Vec::new();
        while popped.len() < n
            && let Some((_, node)) = self.ready.pop(|_| true)
        {
            popped.push(self.hand_out(node));
        }
        popped
    }

    /// Hands out as many nodes of each class as `free` has slots for it (none where `free` ends before the class), the most
    /// urgent first, and takes those slots out of `free`. They count as running.
    pub fn pop_free(&mut self, free: &mut [usize]) -> Vec<NodeId> {
        let mut popped = Vec::new();
        while let Some((class, node)) = self
            .ready
            .pop(|class| free.get(class).is_some_and(|slots| *slots > 0))
        {
            free[class] -= 1;
            popped.push(self.hand_out(node));
        }
        popped
    }

    /// Returns the class of slots that a node takes one of.
    pub fn class(&self, node: NodeId) -> usize {
        self.class.get(node.index()).copied().unwrap_or_default()
    }

    fn hand_out(&mut self, node: NodeId) -> NodeId {
        self.state[node.index()] = State::Running;
        self.running += 1;
        node
    }

    /// Records that a running node has ended. A node that is not running changes nothing.
    pub fn finished(&mut self, node: NodeId, outcome: Outcome) -> Step {
        let mut step = Step::default();
        if self.state.get(node.index()) != Some(&State::Running) {
            return step;
        }
        self.state[node.index()] = State::Done;
        self.running -= 1;
        self.ended += 1;
        if outcome == Outcome::Failed {
            self.skip_descendants(node, &mut step.skipped);
            if self.fail_fast {
                self.skip_all(SkipCause::FailFast(node), &mut step.skipped);
            }
        }
        // Also after a failure: nodes that only follow in a list go on, and its dependents are skipped by now.
        self.release(node, &mut step.ready);
        step.ready.sort_unstable();
        step
    }

    /// Hands out no more nodes. Running nodes go on until the caller ends them.
    pub fn cancel(&mut self) -> Vec<Skipped> {
        let mut skipped = Vec::new();
        self.skip_all(SkipCause::Cancelled, &mut skipped);
        skipped
    }

    fn count_parents(&mut self) {
        for &child in &self.children.targets {
            self.pending[child.index()] += 1;
        }
    }

    fn start(&mut self) {
        let roots: Vec<NodeId> = self
            .order
            .iter()
            .copied()
            .filter(|node| self.pending[node.index()] == 0)
            .collect();
        let mut ready = Vec::new();
        for root in roots {
            match self.state[root.index()] {
                State::PassThrough => self.release(root, &mut ready),
                _ => self.make_ready(root, &mut ready),
            }
        }
    }

    fn make_ready(&mut self, node: NodeId, ready: &mut Vec<NodeId>) {
        self.ready.push(
            self.class[node.index()],
            Ready {
                priority: self.priority[node.index()],
                node,
            },
        );
        ready.push(node);
    }

    /// Decrements the parent count of all children of an ended node. Nodes that do nothing end at
    /// once, and their children follow.
    fn release(&mut self, node: NodeId, ready: &mut Vec<NodeId>) {
        let mut ended = vec![node];
        while let Some(node) = ended.pop() {
            for at in self.children.range(node) {
                let child = self.children.targets[at];
                self.pending[child.index()] -= 1;
                if self.pending[child.index()] > 0 {
                    continue;
                }
                match self.state[child.index()] {
                    State::PassThrough | State::Skipped => ended.push(child),
                    State::Waiting => self.make_ready(child, ready),
                    State::Running | State::Done => {}
                }
            }
        }
    }

    /// Skips the dependents of a failed node. None of them can be ready, since they wait for this
    /// node.
    fn skip_descendants(&mut self, failed: NodeId, skipped: &mut Vec<Skipped>) {
        let mut below = NodeSet::with_len(self.state.len());
        let mut stack = vec![failed];
        while let Some(node) = stack.pop() {
            for at in self.children.range(node) {
                let child = self.children.targets[at];
                if self.children.doomed[at] && below.insert(child) {
                    stack.push(child);
                }
            }
        }
        self.skip_where(
            |node| below.contains(node),
            SkipCause::Ancestor(failed),
            skipped,
        );
    }

    fn skip_all(&mut self, cause: SkipCause, skipped: &mut Vec<Skipped>) {
        self.ready.clear();
        self.skip_where(|_| true, cause, skipped);
    }

    fn skip_where(
        &mut self,
        chosen: impl Fn(NodeId) -> bool,
        cause: SkipCause,
        skipped: &mut Vec<Skipped>,
    ) {
        for &node in &self.order {
            if self.state[node.index()] == State::Waiting && chosen(node) {
                self.state[node.index()] = State::Skipped;
                self.ended += 1;
                skipped.push(Skipped { node, cause });
            }
        }
    }
}

/// A compact copy of the edges that is fast to walk: all in one list, the children of a node next
/// to each other.
#[derive(Debug)]
struct Children {
    starts: Vec<usize>,
    targets: Vec<NodeId>,
    /// For each entry of `targets`, whether that node must not run when the parent fails.
    doomed: Vec<bool>,
}

impl Children {
    fn new(dag: &Dag) -> Self {
        let mut starts = Vec::with_capacity(dag.len() + 1);
        let (mut targets, mut doomed) = (Vec::new(), Vec::new());
        for (id, _) in dag.nodes() {
            starts.push(targets.len());
            for (child, kind) in dag.children(id) {
                targets.push(child);
                doomed.push(kind.passes_failures());
            }
        }
        starts.push(targets.len());
        Self {
            starts,
            targets,
            doomed,
        }
    }

    /// The range of the node's children in `targets`.
    fn range(&self, node: NodeId) -> std::ops::Range<usize> {
        self.starts[node.index()]..self.starts[node.index() + 1]
    }
}
