//! Laws that hold for every graph: scheduling, cycles, graph operators against brute force.

mod common;

use std::collections::{BTreeSet, VecDeque};

use common::edges::edges_of_dag;
use common::{dag_of, edges_of_any, ids};
use fal_graph::{
    Criteria, Dag, DagError, IndirectSelection, NodeId, NodeSet, Outcome, Schedule,
    ScheduleOptions, Selector, SkipCause,
};
use proptest::prelude::*;

const NODES: usize = 14;

type Edges = Vec<(usize, usize)>;

/// `matrix[a][b]`: number of edges on the shortest way from a to b with at least one edge.
fn distances(edges: &Edges) -> Vec<Vec<Option<usize>>> {
    let mut matrix = vec![vec![None; NODES]; NODES];
    for (start, ways) in matrix.iter_mut().enumerate() {
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((at, distance)) = queue.pop_front() {
            for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
                if ways[*to].is_none() {
                    ways[*to] = Some(distance + 1);
                    queue.push_back((*to, distance + 1));
                }
            }
        }
    }
    matrix
}

/// What one run did.
#[derive(Default, Debug)]
struct Log {
    started: Vec<usize>,
    /// Skipped nodes with the failed ancestor.
    skipped: Vec<(usize, SkipCause)>,
}

/// Runs a schedule to its end; `choices` decides how many nodes start and which running node ends next.
fn run(
    schedule: &mut Schedule,
    failing: &[bool],
    choices: &[usize],
    log: &mut Log,
    distance: &[Vec<Option<usize>>],
) {
    let mut running: Vec<NodeId> = Vec::new();
    let mut choices = choices.iter().copied().cycle();
    let mut choose = move || choices.next().unwrap_or(0);
    while !schedule.is_done() {
        let popped = schedule.pop(1 + choose() % 3);
        for node in popped {
            for other in &running {
                assert!(
                    distance[other.index()][node.index()].is_none(),
                    "{node:?} starts before its ancestor has ended"
                );
            }
            log.started.push(node.index());
            running.push(node);
        }
        assert_eq!(schedule.running(), running.len());
        assert!(
            !running.is_empty(),
            "nothing runs and nothing is ready, but it is not done"
        );
        let ended = running.swap_remove(choose() % running.len());
        let outcome = if failing[ended.index()] {
            Outcome::Failed
        } else {
            Outcome::Succeeded
        };
        let step = schedule.finished(ended, outcome);
        log.skipped.extend(
            step.skipped
                .iter()
                .map(|skipped| (skipped.node.index(), skipped.cause)),
        );
    }
}

fn set(flags: &[bool], dag: &Dag) -> NodeSet {
    dag.nodes()
        .map(|(id, _)| id)
        .filter(|id| flags[id.index()])
        .collect()
}

fn flags() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(any::<bool>(), NODES)
}

fn rarely() -> impl Strategy<Value = Vec<bool>> {
    prop::collection::vec(prop::bool::weighted(0.15), NODES)
}

fn choices() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..100_usize, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_selected_node_runs_once_after_its_ancestors(
        edges in edges_of_dag(NODES), selected in flags(), idle in rarely(), choices in choices(),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let distance = distances(&edges);
        let is_idle = |node: &fal_graph::Node| dag.find(node.unique_id()).is_some_and(|id| idle[id.index()]);
        let options = ScheduleOptions { does_nothing: Some(&is_idle), ..ScheduleOptions::default() };
        let mut schedule = Schedule::new(&dag, &set(&selected, &dag), options);
        let mut log = Log::default();
        run(&mut schedule, &[false; NODES], &choices, &mut log, &distance);
        let mut ran = log.started.clone();
        ran.sort_unstable();
        let wanted: Vec<usize> = (0..NODES).filter(|&at| selected[at] && !idle[at]).collect();
        prop_assert_eq!(&ran, &wanted);
        prop_assert_eq!(schedule.total(), wanted.len());
        for (position, node) in log.started.iter().enumerate() {
            for later in &log.started[position..] {
                prop_assert!(distance[*later][*node].is_none(), "{} ran before its ancestor {}", node, later);
            }
        }
    }

    #[test]
    fn failures_skip_exactly_what_depends_on_them(
        edges in edges_of_dag(NODES), selected in flags(), failing in rarely(), choices in choices(),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let distance = distances(&edges);
        let mut schedule = Schedule::new(&dag, &set(&selected, &dag), ScheduleOptions::default());
        let mut log = Log::default();
        run(&mut schedule, &failing, &choices, &mut log, &distance);
        let started: BTreeSet<usize> = log.started.iter().copied().collect();
        let skipped: BTreeSet<usize> = log.skipped.iter().map(|(node, _)| *node).collect();
        prop_assert_eq!(log.started.len(), started.len());
        prop_assert_eq!(log.skipped.len(), skipped.len());
        for node in (0..NODES).filter(|&at| selected[at]) {
            let doomed = started.iter().any(|&other| failing[other] && distance[other][node].is_some());
            prop_assert_eq!(skipped.contains(&node), doomed, "node {}", node);
            prop_assert_eq!(started.contains(&node), !doomed, "node {}", node);
        }
        for (node, cause) in &log.skipped {
            let SkipCause::Ancestor(ancestor) = cause else { panic!("{cause:?}") };
            prop_assert!(failing[ancestor.index()] && started.contains(&ancestor.index()));
            prop_assert!(distance[ancestor.index()][*node].is_some());
        }
    }

    #[test]
    fn nothing_starts_after_the_first_failure_when_failing_fast(
        edges in edges_of_dag(NODES), failing in rarely(), choices in choices(),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let options = ScheduleOptions { fail_fast: true, ..ScheduleOptions::default() };
        let mut schedule = Schedule::new(&dag, &set(&[true; NODES], &dag), options);
        let mut failed = None;
        let mut seen = 0;
        let mut choices = choices.iter().cycle();
        let mut running = Vec::new();
        while !schedule.is_done() {
            let popped = schedule.pop(2);
            prop_assert!(failed.is_none() || popped.is_empty());
            running.extend(popped);
            let ended: NodeId = running.swap_remove(choices.next().copied().unwrap_or(0) % running.len());
            seen += 1;
            let fails = failing[ended.index()];
            let step = schedule.finished(ended, if fails { Outcome::Failed } else { Outcome::Succeeded });
            seen += step.skipped.len();
            if fails && failed.is_none() {
                failed = Some(ended);
                let all_by_it = step.skipped.iter().all(|skipped| {
                    matches!(skipped.cause, SkipCause::FailFast(by) | SkipCause::Ancestor(by) if by == ended)
                });
                prop_assert!(all_by_it);
            }
        }
        prop_assert_eq!(seen, NODES);
    }

    #[test]
    fn slots_are_never_exceeded_nor_left_free_for_what_is_ready(
        edges in edges_of_dag(NODES), class in prop::collection::vec(0..3_usize, NODES),
        slots in prop::collection::vec(1..4_usize, 3), failing in rarely(), choices in choices(),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let of_node = |node: &fal_graph::Node| dag.find(node.unique_id()).map_or(0, |id| class[id.index()]);
        let options = ScheduleOptions { class: Some(&of_node), ..ScheduleOptions::default() };
        let mut schedule = Schedule::new(&dag, &set(&[true; NODES], &dag), options);
        let (mut free, mut choices) = (slots.clone(), choices.iter().cycle());
        let (mut running, mut waiting) = (Vec::new(), BTreeSet::new());
        let (mut started, mut skipped) = (0, 0);
        waiting.extend((0..NODES).filter(|at| !edges.iter().any(|(_, to)| to == at)));
        while !schedule.is_done() {
            let popped = schedule.pop_free(&mut free);
            started += popped.len();
            popped.iter().for_each(|node| _ = waiting.remove(&node.index()));
            running.extend(popped);
            for of in 0..3 {
                let taken = running.iter().filter(|node: &&NodeId| schedule.class(**node) == of).count();
                prop_assert_eq!(taken + free[of], slots[of]);
                prop_assert!(free[of] == 0 || waiting.iter().all(|at| class[*at] != of), "{:?} wait", waiting);
            }
            prop_assert!(!running.is_empty(), "nothing runs, and it is not done");
            let ended = running.swap_remove(choices.next().copied().unwrap_or(0) % running.len());
            free[class[ended.index()]] += 1;
            let outcome = if failing[ended.index()] { Outcome::Failed } else { Outcome::Succeeded };
            let step = schedule.finished(ended, outcome);
            waiting.extend(step.ready.iter().map(|node| node.index()));
            skipped += step.skipped.len();
        }
        prop_assert_eq!(started + skipped, NODES);
        prop_assert_eq!(free, slots);
    }

    #[test]
    fn with_slots_for_all_classes_do_not_change_the_order(
        edges in edges_of_dag(NODES), class in prop::collection::vec(0..3_usize, NODES), choices in choices(),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let of_node = |node: &fal_graph::Node| dag.find(node.unique_id()).map_or(0, |id| class[id.index()]);
        let all = set(&[true; NODES], &dag);
        let mut plain = Schedule::new(&dag, &all, ScheduleOptions::default());
        let mut classes = Schedule::new(&dag, &all, ScheduleOptions { class: Some(&of_node), ..ScheduleOptions::default() });
        let (mut running, mut choices) = (Vec::new(), choices.iter().cycle());
        while !plain.is_done() {
            let popped = plain.pop(NODES);
            prop_assert_eq!(&popped, &classes.pop_free(&mut [NODES; 3]));
            running.extend(popped);
            let ended: NodeId = running.swap_remove(choices.next().copied().unwrap_or(0) % running.len());
            prop_assert_eq!(plain.finished(ended, Outcome::Succeeded), classes.finished(ended, Outcome::Succeeded));
        }
        prop_assert!(classes.is_done());
    }

    #[test]
    fn cancelling_skips_all_that_has_not_started(edges in edges_of_dag(NODES), first in 0..NODES) {
        let dag = dag_of(NODES, &edges)?;
        let mut schedule = Schedule::new(&dag, &set(&[true; NODES], &dag), ScheduleOptions::default());
        let running = schedule.pop(first);
        let skipped = schedule.cancel();
        prop_assert_eq!(skipped.len(), NODES - running.len());
        prop_assert!(schedule.pop(NODES).is_empty());
        prop_assert!(schedule.cancel().is_empty());
        for node in running {
            prop_assert!(!schedule.is_done());
            let step = schedule.finished(node, Outcome::Succeeded);
            prop_assert!(step.ready.is_empty() && step.skipped.is_empty());
        }
        prop_assert!(schedule.is_done());
    }

    #[test]
    fn a_graph_is_refused_exactly_for_its_cycles(edges in edges_of_any(NODES)) {
        let distance = distances(&edges);
        let shortest = |at: usize| distance[at][at];
        let has_cycle = (0..NODES).any(|at| shortest(at).is_some());
        match common::build(NODES, &edges) {
            Ok(dag) => {
                prop_assert!(!has_cycle);
                prop_assert_eq!(dag.order().len(), NODES);
            }
            Err(DagError::Cycle { cycles }) => {
                let mut reported = BTreeSet::new();
                for cycle in &cycles {
                    let nodes: Vec<usize> = cycle.nodes.iter().map(|id| common::number(id)).collect();
                    for (at, node) in nodes.iter().enumerate() {
                        let next = nodes[(at + 1) % nodes.len()];
                        prop_assert!(edges.contains(&(*node, next)), "{} is no way through the graph", cycle);
                    }
                    let distinct: BTreeSet<usize> = nodes.iter().copied().collect();
                    prop_assert_eq!(distinct.len(), nodes.len());
                    // No shorter one in the same knot, and every knot is reported once.
                    let knot: BTreeSet<usize> = (0..NODES).filter(|&other| other == nodes[0]
                        || (distance[nodes[0]][other].is_some() && distance[other][nodes[0]].is_some())).collect();
                    prop_assert_eq!(knot.iter().filter_map(|&at| shortest(at)).min(), Some(nodes.len()));
                    prop_assert!(knot.is_disjoint(&reported));
                    reported.extend(knot);
                }
                let in_cycles: BTreeSet<usize> = (0..NODES).filter(|&at| shortest(at).is_some()).collect();
                prop_assert_eq!(reported, in_cycles);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn graph_operators_agree_with_brute_force(
        edges in edges_of_dag(NODES), node in 0..NODES, up in prop::option::of(0..5_usize), down in prop::option::of(0..5_usize),
    ) {
        let dag = dag_of(NODES, &edges)?;
        let distance = distances(&edges);
        let within = |way: Option<usize>, limit: Option<usize>| way.is_some_and(|way| limit.is_none_or(|most| way <= most));
        let number = |limit: Option<usize>| limit.map(|most| most.to_string()).unwrap_or_default();
        let around = select(&dag, &format!("{}+m{node}+{}", number(up), number(down)));
        let expected: Vec<usize> = (0..NODES)
            .filter(|&at| at == node || within(distance[at][node], up) || within(distance[node][at], down))
            .collect();
        prop_assert_eq!(around, expected);

        let at_sign = select(&dag, &format!("@m{node}"));
        let below: Vec<usize> = (0..NODES).filter(|&at| at == node || distance[node][at].is_some()).collect();
        let expected: Vec<usize> = (0..NODES)
            .filter(|at| below.contains(at) || below.iter().any(|&low| distance[*at][low].is_some()))
            .collect();
        prop_assert_eq!(at_sign, expected);
    }

    #[test]
    fn any_text_is_selected_or_refused(text in "[@+0-9a-z:.,*?\\[\\]!/ -]{0,24}") {
        let dag = dag_of(3, &vec![(0, 1), (1, 2)])?;
        let criteria = Criteria { select: vec![text], indirect: IndirectSelection::Cautious, ..Criteria::default() };
        if let Ok(selection) = Selector::new(&dag).select(&criteria) {
            prop_assert!(selection.nodes.len() <= 3);
        }
    }
}

fn select(dag: &Dag, expression: &str) -> Vec<usize> {
    let criteria = Criteria {
        select: vec![expression.to_owned()],
        ..Criteria::default()
    };
    let selection = Selector::new(dag)
        .select(&criteria)
        .expect("the expression is valid");
    assert_eq!(selection.warnings, []);
    ids(dag, &selection.nodes)
}
