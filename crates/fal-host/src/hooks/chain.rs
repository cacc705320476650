//! The order of scripts that run without their models, as a graph. A script that fails stops no other.

use fal_graph::{Dag, DagBuilder, EdgeKind, GraphNode};

use super::selection::Lane;
use crate::{error::HostError, scripts::Attachment};

/// Builds a graph in which lanes run side by side, and phases one after the other. A node without work
/// between two phases makes each script of the second wait for the whole first.
pub(super) fn dag(project: &str, phases: &[Vec<Lane>]) -> Result<Dag, HostError> {
    let mut builder = DagBuilder::new(project);
    let mut barrier: Option<String> = None;
    for (number, phase) in phases.iter().enumerate() {
        let next = format!("phase.{number}");
        builder.nodes([spec(&next, "")]);
        for lane in phase.iter().filter(|lane| !lane.is_empty()) {
            let ids = lane.iter().map(|attached| attached.id.as_str());
            let row: Vec<&str> = barrier
                .as_deref()
                .into_iter()
                .chain(ids)
                .chain([next.as_str()])
                .collect();
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

fn node(attached: &Attachment) -> GraphNode {
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

#[cfg(test)]
mod tests {
    use fal_graph::{NodeSet, Outcome, Schedule, ScheduleOptions};
    use fal_plugin::payload::ScriptRole;
    use fal_project::{ScriptEntry, ScriptOwner};

    use super::*;

    fn script(id: &str) -> Attachment {
        Attachment {
            id: id.to_owned(),
            role: ScriptRole::After,
            model: None,
            owner: ScriptOwner::default(),
            entry: ScriptEntry::default(),
            file: String::new(),
            environment: None,
        }
    }

    /// What may run at the same time, step by step, when everything fails.
    fn steps(phases: &[&[&[&str]]]) -> Vec<Vec<String>> {
        let lane = |lane: &&[&str]| lane.iter().map(|id| script(id)).collect::<Lane>();
        let phases: Vec<Vec<Lane>> = phases
            .iter()
            .map(|phase| phase.iter().map(lane).collect())
            .collect();
        let dag = dag("shop", &phases).unwrap();
        let scripts: NodeSet = dag
            .nodes()
            .filter(|(_, node)| !node.unique_id().starts_with("phase."))
            .map(|(id, _)| id)
            .collect();
        let mut schedule = Schedule::new(&dag, &scripts, ScheduleOptions::default());
        let mut steps = Vec::new();
        while !schedule.is_done() {
            let ready = schedule.pop(usize::MAX);
            let mut names: Vec<_> = ready
                .iter()
                .map(|id| dag.node(*id).unique_id().to_owned())
                .collect();
            names.sort();
            steps.push(names);
            for id in ready {
                assert!(schedule.finished(id, Outcome::Failed).skipped.is_empty());
            }
        }
        steps
    }

    #[test]
    fn lanes_run_side_by_side_phases_one_behind_the_other_and_failures_stop_nothing() {
        let phases: [&[&[&str]]; 4] = [
            &[&["a1", "a2"], &["b1"]],
            &[&[]],
            &[&["c1"], &["d1", "d2"]],
            &[&["e"]],
        ];
        assert_eq!(
            steps(&phases),
            [
                vec!["a1", "b1"],
                vec!["a2"],
                vec!["c1", "d1"],
                vec!["d2"],
                vec!["e"]
            ]
        );
        assert!(steps(&[]).is_empty());
    }
}
