//! The order of scripts that run by themselves, as a graph: one that fails stops no other.

use fal_graph::{Dag, DagBuilder, EdgeKind, GraphNode};

use super::choice::Lane;
use crate::{error::HostError, scripts::Attached};

/// Lanes side by side, phases one behind the other.
pub(super) fn dag(project: &str, phases: &[Vec<Lane>]) -> Result<Dag, HostError> {
    let mut builder = DagBuilder::new(project);
    let mut barrier: Option<String> = None;
    for (number, phase) in phases.iter().enumerate() {
        let next = format!("phase.{number}");
        builder.nodes([spec(&next, "")]);
        for lane in phase.iter().filter(|lane| !lane.is_empty()) {
            let ids = lane.iter().map(|attached| attached.id.as_str());
            let row: Vec<&str> = barrier.as_deref().into_iter().chain(ids).chain([next.as_str()]).collect();
            builder.nodes(lane.iter().map(node));
            for pair in row.windows(2) {
                builder.edge(pair[0], EdgeKind::Sequence, pair[1]);
            }
        }
        if let Some(before) = &barrier {
            builder.edge(before.clone(), EdgeKind::Sequence, next.clone());
        }
        barrier = Some(next);
    }
    Ok(builder.build()?)
}

fn node(attached: &Attached) -> GraphNode {
    spec(&attached.id, &attached.file)
}

fn spec(id: &str, file: &str) -> GraphNode {
    GraphNode {
        unique_id: id.to_owned(),
        name: id.to_owned(),
        resource_type: "script".to_owned(),
        original_file_path: file.to_owned(),
        ..GraphNode::default()
    }
}
