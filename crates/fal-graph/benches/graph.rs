//! Time to build a graph of 10,000 nodes and 30,000 edges, to select in it, and to schedule it.
//!
//! Prints the best of several rounds in milliseconds: `cargo bench -p fal-graph`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fal_graph::{
    Criteria, Dag, DagBuilder, GraphNode, NodeSet, Outcome, Schedule, ScheduleOptions, Selector,
};
use serde_json::{Map, Value};

const NODES: usize = 10_000;
const PARENTS: usize = 3;
const ROUNDS: usize = 15;

fn main() {
    let specs = specs();
    report("build", || builder(specs.clone()), DagBuilder::build);
    let dag = builder(specs)
        .build()
        .expect("parents come before children");
    for expression in [
        "tag:nightly+",
        "@m_5000",
        "+m_9999",
        "path:models/area_7+",
        "m_1*",
        "config.materialized:table",
    ] {
        report(
            &format!("select {expression}"),
            || (),
            |()| select(&dag, expression).len(),
        );
    }
    let all = select(&dag, "*");
    report("schedule and run all", || (), |()| run(&dag, &all));
    let few = select(&dag, "tag:nightly");
    report("schedule and run tag:nightly", || (), |()| run(&dag, &few));
}

fn builder(specs: Vec<GraphNode>) -> DagBuilder {
    let mut builder = DagBuilder::new("shop");
    for spec in specs.iter().step_by(10) {
        builder.python_model(
            spec.unique_id.clone(),
            spec.original_file_path
                .replace("/fal/", "/")
                .replace(".sql", ".py"),
        );
    }
    builder.nodes(specs);
    builder
}

/// Nodes whose parents are spread over the thousand nodes before them.
fn specs() -> Vec<GraphNode> {
    let mut random = 1_u64;
    let mut next = move |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    (0..NODES)
        .map(|at| {
            let parents = (0..PARENTS.min(at)).map(|_| at - 1 - next(at.min(1_000)));
            spec(
                at,
                parents
                    .map(|parent| format!("model.shop.m_{parent}"))
                    .collect(),
            )
        })
        .collect()
}

fn spec(at: usize, depends_on: Vec<String>) -> GraphNode {
    let area = format!("area_{}", at % 100);
    let materialized = if at.is_multiple_of(3) {
        "table"
    } else {
        "view"
    };
    GraphNode {
        unique_id: format!("model.shop.m_{at}"),
        name: format!("m_{at}"),
        resource_type: "model".to_owned(),
        package_name: "shop".to_owned(),
        original_file_path: format!("models/fal/{area}/m_{at}.sql"),
        path: format!("fal/{area}/m_{at}.sql"),
        fqn: vec!["shop".to_owned(), "fal".to_owned(), area, format!("m_{at}")],
        tags: if at.is_multiple_of(20) {
            vec!["nightly".to_owned()]
        } else {
            Vec::new()
        },
        config: Map::from_iter([("materialized".to_owned(), Value::from(materialized))]),
        depends_on,
        ..GraphNode::default()
    }
}

fn select(dag: &Dag, expression: &str) -> NodeSet {
    let criteria = Criteria {
        select: vec![expression.to_owned()],
        ..Criteria::default()
    };
    Selector::new(dag)
        .select(&criteria)
        .expect("the expression is valid")
        .nodes
}

fn run(dag: &Dag, selected: &NodeSet) -> usize {
    let mut schedule = Schedule::new(dag, selected, ScheduleOptions::default());
    let mut steps = 0;
    while !schedule.is_done() {
        for node in schedule.pop(8) {
            schedule.finished(node, Outcome::Succeeded);
            steps += 1;
        }
    }
    steps
}

#[expect(
    clippy::print_stdout,
    reason = "the report is the purpose of a benchmark"
)]
fn report<I, T>(what: &str, prepare: impl Fn() -> I, work: impl Fn(I) -> T) {
    let time = |input| {
        let start = Instant::now();
        let result = black_box(work(black_box(input)));
        let elapsed = start.elapsed();
        drop(result);
        elapsed
    };
    let best = (0..ROUNDS)
        .map(|_| time(prepare()))
        .min()
        .unwrap_or(Duration::ZERO);
    println!("{what:<32} {:>8.2} ms", best.as_secs_f64() * 1000.0);
}
