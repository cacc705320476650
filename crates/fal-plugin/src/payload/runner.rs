//! Leases: a Python node runs on another backend than the one that owns the data.
//!
//! One backend owns dbt and the data gateway ([`Capabilities::lends`](super::Capabilities::lends)); another one, a runner, has
//! the machines. For each node that is routed to a runner the host asks the owner for a [`Lease`], gives it to the runner
//! with the node, and settles with the owner when the runner says how it ended.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    node::{NodeResult, NodeWork},
    script::EnvironmentSpec,
};

/// What a node asks of the machine that it runs on: `resources` under the keyword in `meta`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// Processors; parts of one are allowed.
    #[serde(default)]
    pub cpus: Option<f64>,
    /// Memory, in bytes.
    #[serde(default)]
    pub memory: Option<u64>,
    /// Graphics processors; parts of one are allowed.
    #[serde(default)]
    pub gpus: Option<f64>,
    /// Longest time that it may run, in seconds, waiting for a machine not counted.
    #[serde(default)]
    pub timeout: Option<f64>,
    /// What only this runner knows, by its name: a queue, a kind of accelerator. The runner checks it.
    #[serde(default)]
    pub custom: Map<String, Value>,
}

/// Where a runner's process reaches the data.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayAccess {
    /// Arrow Flight address: `grpc+tls://10.0.0.5:41233`, or `grpc+unix:///...` on the same machine.
    pub location: String,
    /// Secret of this one lease. Never to be put on a command line or into a log.
    pub token: String,
    /// Certificate in PEM: the only one that is to be trusted. `None` where the location needs none.
    #[serde(default)]
    pub certificate: Option<String>,
    /// Name that the certificate is for, whatever the location's host is called.
    #[serde(default)]
    pub server_name: Option<String>,
}

/// Without the token: a request that is written to a log by its `Debug` tells no secret.
impl fmt::Debug for GatewayAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("GatewayAccess");
        shown
            .field("location", &self.location)
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// A relation that the node says it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseInput {
    /// The parent, as the graph has it.
    pub unique_id: String,
    /// Its relation, quoted, as the gateway knows it.
    #[serde(default)]
    pub relation: Option<String>,
}

/// Everything that a runner needs for one node.
///
/// `script` is a Python program of one file: with any Python 3.9 or newer that has `pyarrow` (and what the model imports), `python
/// SCRIPT` or `python - < SCRIPT` runs the node to its end, on whatever machine can reach the gateway. It reads and writes by
/// the gateway, sends the model's output and its answer there, and ends by itself when the node is cancelled. Exit
/// code 0: the model ended well; 1: it failed, and the gateway knows why; 3: it could not work (no gateway, no pyarrow), as the
/// last line of its standard error says. Running it again is a new attempt: what the earlier one wrote is undone, and the
/// earlier one, should it still run, is fenced off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// Name of the lease, for [`SettleRequest`]; no secret.
    pub lease: String,
    /// Absolute path of the script. It holds the token: only its owner may read it, and it is gone once the lease is settled.
    pub script: String,
    /// The way to the data, for runners that have their own way of running Python.
    pub gateway: GatewayAccess,
    /// The environment that the node names, in full; `None`: whatever Python the runner has.
    #[serde(default)]
    pub environment: Option<EnvironmentSpec>,
    /// What the node reads, as far as it is declared.
    #[serde(default)]
    pub inputs: Vec<LeaseInput>,
    /// Relation that the node writes.
    #[serde(default)]
    pub output: Option<String>,
    /// Whether the relation will hold just the rows that the node writes, as written: then a runner may hand them to
    /// the next node in its own way.
    #[serde(default)]
    pub output_is_rows: bool,
}

/// Lend a node: the owner of the data makes ready for it to be run by another backend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LendRequest {
    /// The node.
    pub unique_id: String,
    /// What it is.
    pub work: NodeWork,
    /// Name of the runner, for messages.
    pub runner: String,
    /// What it asks for.
    #[serde(default)]
    pub resources: Resources,
}

/// The answer to [`LendRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Lent {
    /// The runner may begin. [`SettleRequest`] must follow, whatever happens.
    Lease {
        /// What it needs.
        lease: Box<Lease>,
    },
    /// The node ended before it began: nothing is to be run or settled.
    Ended {
        /// How.
        result: Box<NodeResult>,
    },
}

/// A lent node has ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettleRequest {
    /// The lease.
    pub lease: String,
    /// How it ended as the runner sees it. What the node wrote stays only if this is a success and the node itself said so
    /// too; where it failed, what the node said of it counts for more than what the runner can tell.
    pub result: NodeResult,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_shown_tells_no_secret() {
        let gateway = GatewayAccess {
            location: "grpc://here:1".into(),
            token: "s3cret".into(),
            ..GatewayAccess::default()
        };
        let shown = format!(
            "{:?}",
            Lease {
                gateway,
                ..Lease::default()
            }
        );
        assert!(
            shown.contains("grpc://here:1") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
}
