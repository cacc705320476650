//! Laws of the order of `build`: a data test holds back what depends on all that it reads, as dbt adds edges of tests, and
//! a unit test runs ahead of its model, where its model would run.

#[path = "common/edges.rs"]
mod edges;

use edges::edges_of_dag;
use fal_graph::{AttachedScript, Dag, DagBuilder, GraphNode, NodeId, Side};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const MODELS: usize = 7;

#[derive(Clone, Debug)]
struct Project {
    edges: Vec<(usize, usize)>,
    /// Models that each data test reads.
    tests: Vec<Vec<usize>>,
    /// Model of each unit test.
    unit_tests: Vec<usize>,
    /// Model and side of each script.
    scripts: Vec<(usize, Side)>,
}

fn model(at: usize) -> String {
    format!("model.p.m{at}")
}

fn node(kind: &str, id: String, parents: impl IntoIterator<Item = usize>) -> GraphNode {
    GraphNode {
        name: id.clone(),
        unique_id: id,
        resource_type: kind.to_owned(),
        package_name: "p".to_owned(),
        depends_on: parents.into_iter().map(model).collect(),
        ..GraphNode::default()
    }
}

impl Project {
    fn dag(&self) -> Dag {
        let mut builder = DagBuilder::new("p");
        let parents = |at: usize| {
            self.edges
                .iter()
                .filter(move |(_, to)| *to == at)
                .map(|(from, _)| *from)
        };
        builder.nodes((0..MODELS).map(|at| node("model", model(at), parents(at))));
        let tests = self.tests.iter().enumerate();
        builder.nodes(
            tests.map(|(at, read)| node("test", format!("test.p.t{at}"), read.iter().copied())),
        );
        let units = self.unit_tests.iter().enumerate();
        builder.nodes(units.map(|(at, of)| node("unit_test", format!("unit_test.p.u{at}"), [*of])));
        for (at, (of, side)) in self.scripts.iter().enumerate() {
            let (id, file) = (format!("script.s{at}"), format!("s{at}.py"));
            builder.script(AttachedScript {
                id,
                model: model(*of),
                side: *side,
                file,
            });
        }
        builder.build().unwrap()
    }

    /// Models that depend on a model, near or far.
    fn below(&self, from: usize) -> Vec<bool> {
        let mut below = vec![false; MODELS];
        let mut stack = vec![from];
        while let Some(at) = stack.pop() {
            for (_, to) in self.edges.iter().filter(|(start, _)| *start == at) {
                if !below[*to] {
                    below[*to] = true;
                    stack.push(*to);
                }
            }
        }
        below
    }

    /// Whether dbt lets a model wait for a data test: it depends on all that the test reads.
    fn holds_back(&self, test: usize, at: usize) -> bool {
        !self.tests[test].is_empty() && self.tests[test].iter().all(|read| self.below(*read)[at])
    }
}

/// Whether the second waits for the first, near or far.
fn waits(dag: &Dag, first: &str, second: &str) -> bool {
    let (first, second) = (dag.find(first).unwrap(), dag.find(second).unwrap());
    let mut seen: Vec<NodeId> = Vec::new();
    let mut stack = vec![first];
    while let Some(at) = stack.pop() {
        for (child, _) in dag
            .children(at)
            .filter(|(_, kind)| *kind != fal_graph::EdgeKind::Sequence)
        {
            if child == second {
                return true;
            }
            if !seen.contains(&child) {
                seen.push(child);
                stack.push(child);
            }
        }
    }
    false
}

fn projects() -> impl Strategy<Value = Project> {
    let some_models =
        prop::collection::btree_set(0..MODELS, 0..4).prop_map(|set| set.into_iter().collect());
    let side = prop_oneof![Just(Side::Before), Just(Side::After)];
    (
        edges_of_dag(MODELS),
        prop::collection::vec(some_models, 0..4),
        prop::collection::vec(0..MODELS, 0..3),
        prop::collection::vec((0..MODELS, side), 0..5),
    )
        .prop_map(|(edges, tests, unit_tests, scripts)| Project {
            edges,
            tests,
            unit_tests,
            scripts,
        })
}

proptest! {
    #[test]
    fn models_wait_for_the_data_tests_that_dbt_lets_them_wait_for(project in projects()) {
        let project = Project { unit_tests: Vec::new(), ..project };
        let dag = project.dag().in_build_order().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for test in 0..project.tests.len() {
            for at in 0..MODELS {
                let found = waits(&dag, &format!("test.p.t{test}"), &model(at));
                prop_assert_eq!(found, project.holds_back(test, at), "t{} m{}", test, at);
            }
        }
    }

    #[test]
    fn scripts_ahead_of_a_model_wait_for_what_it_waits_for_and_those_behind_it_not_for_its_tests(project in projects()) {
        let project = Project { unit_tests: Vec::new(), ..project };
        let dag = project.dag().in_build_order().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for test in 0..project.tests.len() {
            for (at, (of, side)) in project.scripts.iter().enumerate() {
                let found = waits(&dag, &format!("test.p.t{test}"), &format!("script.s{at}"));
                prop_assert_eq!(found, project.holds_back(test, *of), "t{} s{} {:?} m{}", test, at, side, of);
            }
        }
    }

    #[test]
    fn a_unit_test_stands_between_its_model_and_all_that_the_model_waits_for(project in projects()) {
        let plain = project.dag();
        let dag = plain.in_build_order().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (at, of) in project.unit_tests.iter().enumerate() {
            let unit = format!("unit_test.p.u{at}");
            prop_assert!(waits(&dag, &unit, &model(*of)));
            for other in 0..MODELS {
                prop_assert_eq!(waits(&dag, &model(other), &unit), waits(&plain, &model(other), &model(*of)));
            }
            for test in 0..project.tests.len() {
                prop_assert_eq!(waits(&dag, &format!("test.p.t{test}"), &unit), project.holds_back(test, *of));
            }
            for (script, _) in project.scripts.iter().enumerate().filter(|(_, script)| **script == (*of, Side::Before)) {
                let script = format!("script.s{script}");
                prop_assert!(waits(&dag, &unit, &script));
            }
        }
    }

    #[test]
    fn nodes_keep_their_numbers_and_the_order_puts_parents_first(project in projects()) {
        let plain = project.dag();
        let dag = plain.in_build_order().map_err(|error| TestCaseError::fail(error.to_string()))?;
        for (id, node) in plain.nodes() {
            prop_assert_eq!(dag.node(id).unique_id(), node.unique_id());
        }
        let place = |id: NodeId| dag.order().iter().position(|other| *other == id);
        for (id, _) in dag.nodes() {
            for (child, _) in dag.children(id) {
                prop_assert!(place(id) < place(child));
            }
        }
    }
}
