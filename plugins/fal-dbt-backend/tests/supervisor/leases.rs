//! Tests of leases in the supervisor: of models that dbt runs, and when the session dies.

use std::path::Path;

use fal_plugin::payload::{
    BeginRequest, Lease, LendRequest, Lent, NodeResult, NodeStatus, NodeWork, Resources,
    SettleRequest,
};
use fal_plugin::PluginError;
use serde_json::json;

use crate::support::{bench, Bench};

fn lend(bench: &Bench, name: &str) -> Result<Lent, PluginError> {
    let (unique_id, work) = (format!("model.p.{name}"), NodeWork::Dbt);
    bench.session.lend(&LendRequest {
        unique_id,
        work,
        runner: "far".into(),
        resources: Resources::default(),
    })
}

fn lease(bench: &Bench, name: &str) -> Lease {
    match lend(bench, name).unwrap() {
        Lent::Lease { lease } => *lease,
        Lent::Ended { result } => panic!("{result:?}"),
    }
}

fn settle(bench: &Bench, lease: &Lease, status: NodeStatus) -> Result<NodeResult, PluginError> {
    let result =
        json!({ "unique_id": "model.p.native", "status": status, "message": "exit code 9" });
    let result = serde_json::from_value(result).unwrap();
    bench.session.settle(&SettleRequest {
        lease: lease.lease.clone(),
        result,
    })
}

#[test]
fn a_model_that_dbt_runs_waits_for_its_code() {
    let bench = bench(json!({ "code": "" }));
    bench.session.begin(&BeginRequest::default()).unwrap();
    let first = lease(&bench, "native");
    assert_eq!(
        (
            first.gateway.location.as_str(),
            first.gateway.token.as_str()
        ),
        ("grpc+tls://127.0.0.1:7", "t")
    );
    assert!(Path::new(&first.script).exists());
    assert_eq!(
        settle(&bench, &first, NodeStatus::Success).unwrap().status,
        NodeStatus::Success
    );
    assert!(!Path::new(&first.script).exists());
    assert_eq!(
        settle(&bench, &first, NodeStatus::Success)
            .unwrap_err()
            .code,
        "dbt::lease"
    );
    let failed = settle(&bench, &lease(&bench, "native"), NodeStatus::Error).unwrap();
    assert_eq!(
        (failed.status, failed.message.as_deref()),
        (NodeStatus::Error, Some("exit code 9"))
    );
    for (name, status) in [
        ("ephemeral", NodeStatus::Success),
        ("broken", NodeStatus::Error),
    ] {
        let Lent::Ended { result } = lend(&bench, name).unwrap() else {
            panic!("{name} needs no code")
        };
        assert_eq!(result.status, status);
    }
}

#[test]
fn without_a_way_in_nothing_is_lent() {
    let bench = bench(json!({ "taken": true }));
    bench.session.begin(&BeginRequest::default()).unwrap();
    for _ in 0..2 {
        let Lent::Ended { result } = lend(&bench, "native").unwrap() else {
            panic!("there is no listener")
        };
        assert_eq!(
            (result.status, result.message.as_deref()),
            (NodeStatus::Error, Some("the port is taken"))
        );
    }
    // Jobs that run here are not affected.
    assert_eq!(bench.dbt("a").unwrap().status, NodeStatus::Success);
}

#[test]
fn the_death_of_the_session_ends_its_leases() {
    let bench = bench(json!({ "code": "" }));
    bench.session.begin(&BeginRequest::default()).unwrap();
    let lease = lease(&bench, "native");
    assert_eq!(bench.dbt("die").unwrap_err().code, "dbt::session_died");
    assert_eq!(
        settle(&bench, &lease, NodeStatus::Success)
            .unwrap_err()
            .code,
        "dbt::session_died"
    );
    assert!(!Path::new(&lease.script).exists());
    assert_eq!(
        lend(&bench, "native").unwrap_err().code,
        "dbt::session_died"
    );
}
