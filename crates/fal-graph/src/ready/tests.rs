//! Tests of order, weights and skips on a small graph.

use super::{Outcome, Schedule, ScheduleOptions, SkipCause, Step};
use crate::{Dag, DagBuilder, DagError, GraphNode, Node, NodeId, NodeSet};

/// Returns a graph in which `b` and `c` read `a`, `d` reads `c`, and `e` has no edges.
fn dag() -> Result<Dag, DagError> {
    let model = |name: &str, parents: &[&str]| GraphNode {
        unique_id: name.to_owned(),
        name: name.to_owned(),
        depends_on: parents.iter().map(|&parent| parent.to_owned()).collect(),
        ..GraphNode::default()
    };
    let mut builder = DagBuilder::new("p");
    builder.nodes([
        model("a", &[]),
        model("b", &["a"]),
        model("c", &["a"]),
        model("d", &["c"]),
        model("e", &[]),
    ]);
    builder.build()
}

fn names(dag: &Dag, nodes: impl IntoIterator<Item = NodeId>) -> String {
    nodes
        .into_iter()
        .map(|node| dag.node(node).name())
        .collect::<Vec<_>>()
        .join(" ")
}

fn all(dag: &Dag) -> NodeSet {
    dag.nodes().map(|(id, _)| id).collect()
}

#[test]
fn the_longest_way_goes_first() -> Result<(), DagError> {
    let dag = dag()?;
    let mut schedule = Schedule::new(&dag, &all(&dag), ScheduleOptions::default());
    let first = schedule.pop(9);
    assert_eq!(names(&dag, first.clone()), "a e");
    let step = schedule.finished(first[0], Outcome::Succeeded);
    assert_eq!(
        names(&dag, step.ready),
        "b c",
        "what became ready, in the order of the graph"
    );
    assert_eq!(
        names(&dag, schedule.pop(9)),
        "c b",
        "c still has d behind it"
    );
    Ok(())
}

#[test]
fn durations_of_earlier_runs_weigh() -> Result<(), DagError> {
    let dag = dag()?;
    let seconds = |node: &Node| match node.name() {
        "e" => Some(100.0),
        "b" => Some(f64::NAN),
        "a" => Some(1.0),
        _ => None,
    };
    let options = ScheduleOptions {
        duration: Some(&seconds),
        ..ScheduleOptions::default()
    };
    let mut schedule = Schedule::new(&dag, &all(&dag), options);
    assert_eq!(
        names(&dag, schedule.pop(1)),
        "a",
        "c and d weigh as the mean of a and e, 50.5 each"
    );
    assert_eq!(names(&dag, schedule.pop(1)), "e");
    Ok(())
}

#[test]
fn what_does_nothing_is_not_counted_and_passes_failures_on() -> Result<(), DagError> {
    let dag = dag()?;
    let idle = |node: &Node| node.name() == "c";
    let options = ScheduleOptions {
        does_nothing: Some(&idle),
        ..ScheduleOptions::default()
    };
    let mut schedule = Schedule::new(&dag, &all(&dag), options);
    assert_eq!(schedule.total(), 4);
    let started = schedule.pop(1);
    let step = schedule.finished(started[0], Outcome::Failed);
    let mut skipped: Vec<NodeId> = step.skipped.iter().map(|skipped| skipped.node).collect();
    skipped.sort_unstable();
    assert_eq!(names(&dag, skipped), "b d");
    assert!(
        step.skipped
            .iter()
            .all(|skipped| skipped.cause == SkipCause::Ancestor(started[0]))
    );
    Ok(())
}

#[test]
fn an_end_told_twice_changes_nothing() -> Result<(), DagError> {
    let dag = dag()?;
    let mut schedule = Schedule::new(&dag, &all(&dag), ScheduleOptions::default());
    let a = schedule.pop(1)[0];
    schedule.finished(a, Outcome::Succeeded);
    assert_eq!(schedule.finished(a, Outcome::Failed), Step::default());
    assert_eq!(names(&dag, schedule.pop(9)), "c b e");
    Ok(())
}

#[test]
fn a_class_without_a_free_slot_keeps_no_other_waiting() -> Result<(), DagError> {
    let dag = dag()?;
    // Two of the class 1: `a`, the most urgent, and `d`, behind `c`.
    let class = |node: &Node| usize::from(matches!(node.name(), "a" | "d"));
    let options = ScheduleOptions {
        class: Some(&class),
        ..ScheduleOptions::default()
    };
    let mut schedule = Schedule::new(&dag, &all(&dag), options);
    let mut free = [2, 0];
    assert_eq!(
        names(&dag, schedule.pop_free(&mut free)),
        "e",
        "a has no slot, and e needs not wait for it"
    );
    assert_eq!(free, [1, 0]);
    assert_eq!(
        names(&dag, schedule.pop_free(&mut [9])),
        "",
        "there are no slots at all for a class that is not named"
    );
    let a = schedule.pop_free(&mut [0, 9]);
    assert_eq!(names(&dag, a.clone()), "a");
    schedule.finished(a[0], Outcome::Succeeded);
    assert_eq!(names(&dag, schedule.pop_free(&mut [1, 1])), "c");
    assert_eq!(names(&dag, schedule.pop(9)), "b", "whatever their class");
    Ok(())
}
