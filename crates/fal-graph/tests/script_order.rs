//! Laws of graphs with scripts: whatever is selected, whatever fails and whatever ends first, scripts run between the
//! right nodes, and failures skip what depends on them and nothing else.
//!
//! What must hold is worked out here from the lists of scripts alone; the graph's own edges are not asked.

#[path = "common/edges.rs"]
mod edges;

use std::collections::BTreeSet;

use edges::edges_of_dag;
use fal_graph::{
    AttachedScript, Criteria, Dag, DagBuilder, GraphNode, NodeId, NodeSet, Outcome, ResourceTypes,
    Schedule, ScheduleOptions, Selector, Side,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const MODELS: usize = 6;
const SCRIPTS: usize = 9;
const NODES: usize = MODELS + SCRIPTS;

/// Models are the first numbers, scripts the others.
#[derive(Clone, Debug)]
struct Project {
    /// From parent to child.
    edges: Vec<(usize, usize)>,
    /// Model and side of each script.
    scripts: Vec<(usize, Side)>,
}

impl Project {
    fn dag(&self) -> Result<Dag, TestCaseError> {
        let mut builder = DagBuilder::new("p");
        builder.nodes((0..MODELS).map(|at| {
            GraphNode {
                unique_id: id(at),
                name: format!("m{at}"),
                resource_type: "model".to_owned(),
                package_name: "p".to_owned(),
                fqn: vec!["p".to_owned(), format!("m{at}")],
                depends_on: self
                    .edges
                    .iter()
                    .filter(|(_, to)| *to == at)
                    .map(|(from, _)| id(*from))
                    .collect(),
                ..GraphNode::default()
            }
        }));
        for (at, (model, side)) in self.scripts.iter().enumerate() {
            builder.script(AttachedScript {
                id: id(MODELS + at),
                model: id(*model),
                side: *side,
                file: format!("x{}.py", MODELS + at),
            });
        }
        builder
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))
    }

    fn on(&self, model: usize, side: Side) -> Vec<usize> {
        let scripts = self.scripts.iter().enumerate();
        scripts
            .filter(|(_, script)| **script == (model, side))
            .map(|(at, _)| MODELS + at)
            .collect()
    }

    /// `needs[a][b]`: b must not run unless a ran well.
    fn needs(&self) -> Relation {
        let mut needs = Relation::default();
        for model in 0..MODELS {
            self.on(model, Side::Before)
                .into_iter()
                .for_each(|script| needs.add(script, model));
            self.on(model, Side::After)
                .into_iter()
                .for_each(|script| needs.add(model, script));
        }
        for &(parent, child) in &self.edges {
            for last in std::iter::once(parent).chain(self.on(parent, Side::After)) {
                for first in std::iter::once(child).chain(self.on(child, Side::Before)) {
                    needs.add(last, first);
                }
            }
        }
        needs.closed()
    }

    /// `leads[a][b]`: operators go from a to b. To them a before-script has no parents and an after-script no children.
    fn leads(&self) -> Relation {
        let mut leads = Relation::default();
        for model in 0..MODELS {
            self.on(model, Side::Before)
                .into_iter()
                .for_each(|script| leads.add(script, model));
            self.on(model, Side::After)
                .into_iter()
                .for_each(|script| leads.add(model, script));
        }
        self.edges
            .iter()
            .for_each(|&(parent, child)| leads.add(parent, child));
        leads.closed()
    }

    /// `precedes[a][b]`: b must not start before a has ended, if both run.
    fn precedes(&self) -> Relation {
        let mut precedes = self.needs();
        for model in 0..MODELS {
            for side in [Side::Before, Side::After] {
                self.on(model, side)
                    .windows(2)
                    .for_each(|pair| precedes.add(pair[0], pair[1]));
            }
        }
        precedes.closed()
    }
}

fn id(at: usize) -> String {
    if at < MODELS {
        format!("model.p.m{at}")
    } else {
        format!("script.x{at}.py")
    }
}

#[derive(Clone, Debug)]
struct Relation(Vec<[bool; NODES]>);

impl Default for Relation {
    fn default() -> Self {
        Self(vec![[false; NODES]; NODES])
    }
}

impl Relation {
    fn add(&mut self, from: usize, to: usize) {
        self.0[from][to] = true;
    }

    fn has(&self, from: usize, to: usize) -> bool {
        self.0[from][to]
    }

    /// Everything that follows from it.
    fn closed(mut self) -> Self {
        for middle in 0..NODES {
            for from in 0..NODES {
                for to in 0..NODES {
                    self.0[from][to] |= self.0[from][middle] && self.0[middle][to];
                }
            }
        }
        self
    }
}

/// What happened in a run: each node at the step at which it started, ended, was skipped.
#[derive(Debug)]
struct Log {
    started: Vec<Option<usize>>,
    ended: Vec<Option<usize>>,
    skipped: BTreeSet<usize>,
}

fn run(
    dag: &Dag,
    selected: &NodeSet,
    failing: &[bool],
    choices: &[usize],
) -> Result<Log, TestCaseError> {
    let mut log = Log {
        started: vec![None; NODES],
        ended: vec![None; NODES],
        skipped: BTreeSet::new(),
    };
    let mut schedule = Schedule::new(dag, selected, ScheduleOptions::default());
    let mut running: Vec<NodeId> = Vec::new();
    let mut choices = choices.iter().copied().cycle();
    let mut choose = move || choices.next().unwrap_or(0);
    let mut step = 0;
    while !schedule.is_done() {
        for node in schedule.pop(1 + choose() % 4) {
            step += 1;
            prop_assert_eq!(log.started[node.index()].replace(step), None);
            running.push(node);
        }
        prop_assert!(
            !running.is_empty(),
            "nothing runs and nothing is ready, but it is not done"
        );
        let node = running.swap_remove(choose() % running.len());
        step += 1;
        log.ended[node.index()] = Some(step);
        let outcome = if failing[node.index()] {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        for skipped in schedule.finished(node, outcome).skipped {
            prop_assert!(log.skipped.insert(skipped.node.index()));
        }
    }
    Ok(log)
}

fn project() -> impl Strategy<Value = Project> {
    let side = prop_oneof![Just(Side::Before), Just(Side::After)];
    let scripts = prop::collection::vec((0..MODELS, side), SCRIPTS);
    (edges_of_dag(MODELS), scripts).prop_map(|(edges, scripts)| Project { edges, scripts })
}

fn flags(weight: f64) -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(prop::bool::weighted(weight), NODES)
}

fn choices() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..100_usize, 1..40)
}

fn select(dag: &Dag, expression: &str) -> Vec<usize> {
    let criteria = Criteria {
        select: vec![expression.to_owned()],
        resource_types: ResourceTypes::of_command("run"),
        ..Criteria::default()
    };
    let selection = Selector::new(dag)
        .select(&criteria)
        .expect("the expression is valid");
    selection.nodes.iter().map(NodeId::index).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Checks that before-scripts, model, after-scripts, and children with their before-scripts run
    /// in this order, and that lists keep theirs, even if nodes between them are not selected or
    /// fail.
    #[test]
    fn order_holds_for_any_selection_and_any_failures(
        project in project(), selected in flags(0.6), failing in flags(0.15), choices in choices(),
    ) {
        let dag = project.dag()?;
        let chosen = dag.nodes().map(|(node, _)| node).filter(|node| selected[node.index()]).collect();
        let log = run(&dag, &chosen, &failing, &choices)?;
        let precedes = project.precedes();
        for (later, start) in log.started.iter().enumerate().filter_map(|(at, start)| Some((at, (*start)?))) {
            for earlier in (0..NODES).filter(|&earlier| precedes.has(earlier, later)) {
                if log.started[earlier].is_some() {
                    prop_assert!(
                        log.ended[earlier].is_some_and(|end| end < start),
                        "{} starts before {} has ended", id(later), id(earlier)
                    );
                }
            }
        }
    }

    #[test]
    fn failures_skip_exactly_what_needs_them(
        project in project(), selected in flags(0.7), failing in flags(0.15), choices in choices(),
    ) {
        let dag = project.dag()?;
        let chosen: NodeSet = dag.nodes().map(|(node, _)| node).filter(|node| selected[node.index()]).collect();
        let log = run(&dag, &chosen, &failing, &choices)?;
        let needs = project.needs();
        for (node, &selected) in selected.iter().enumerate() {
            let doomed = (0..NODES).any(|at| log.started[at].is_some() && failing[at] && needs.has(at, node));
            prop_assert_eq!(log.started[node].is_some(), selected && !doomed, "{}", id(node));
            prop_assert_eq!(log.skipped.contains(&node), selected && doomed, "{}", id(node));
        }
    }

    /// Operators follow models and each script's own model, never the order in which scripts run.
    #[test]
    fn operators_reach_the_scripts_that_fal_reached(project in project(), node in 0..NODES) {
        let dag = project.dag()?;
        let leads = project.leads();
        let name = if node < MODELS { format!("m{node}") } else { format!("x{node}.py") };
        let below: Vec<usize> = (0..NODES).filter(|&at| at == node || leads.has(node, at)).collect();
        let above: Vec<usize> = (0..NODES).filter(|&at| at == node || leads.has(at, node)).collect();
        prop_assert_eq!(select(&dag, &format!("{name}+")), below.clone());
        prop_assert_eq!(select(&dag, &format!("+{name}")), above);
        let around = (0..NODES).filter(|&at| below.contains(&at) || below.iter().any(|&low| leads.has(at, low)));
        prop_assert_eq!(select(&dag, &format!("@{name}")), around.collect::<Vec<_>>());
        prop_assert_eq!(select(&dag, &name), vec![node]);
    }
}
