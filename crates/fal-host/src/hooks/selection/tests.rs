//! Which scripts the command takes, over a project of four models.

use std::{collections::HashMap, fs};

use fal_graph::{DagBuilder, GraphNode, ResourceTypes, Selector};
use fal_plugin::payload::SessionInfo;
use serde_json::json;

use super::*;
use crate::faults::Faults;

struct World {
    folder: tempfile::TempDir,
    project: DbtProject,
    loaded: Loaded,
}

fn model(name: &str, parents: &[&str], fal: serde_json::Value) -> GraphNode {
    GraphNode {
        unique_id: format!("model.shop.{name}"),
        name: name.to_owned(),
        resource_type: "model".to_owned(),
        package_name: "shop".to_owned(),
        fqn: vec!["shop".to_owned(), name.to_owned()],
        depends_on: parents
            .iter()
            .map(|name| format!("model.shop.{name}"))
            .collect(),
        meta: json!({ "fal": fal }).as_object().cloned().unwrap(),
        ..GraphNode::default()
    }
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("models")).unwrap();
    let schema = "fal: {scripts: {before: [first.py], after: [done.py]}}\n";
    fs::write(folder.path().join("models/schema.yml"), schema).unwrap();
    let project = DbtProject {
        root: folder.path().to_owned(),
        model_paths: vec!["models".to_owned()],
        fal_scripts_path: "py".to_owned(),
        ..DbtProject::default()
    };
    let nodes = vec![
        model(
            "b",
            &["a"],
            json!({"scripts": {"before": ["load.py"], "after": ["tell.py", "x/last.py"]}, "pre-hook": "p.py"}),
        ),
        model(
            "a",
            &[],
            json!({"scripts": ["tell.py"], "pre-hook": "p.py", "post-hook": "q.py"}),
        ),
        model("c", &[], json!({"scripts": ["tell.py"]})),
        model("bare", &[], json!({"environment": "local"})),
    ];
    let (attachments, _) = Attachments::from_nodes(&project, "fal", &nodes);
    let mut builder = DagBuilder::new("shop");
    builder.nodes(nodes);
    attachments.add_to(&mut builder);
    let dag = builder.build().unwrap();
    let (info, placements) = (SessionInfo::default(), HashMap::new());
    let loaded = Loaded {
        info,
        dag,
        attachments,
        placements,
        keyword: "fal".to_owned(),
        faults: Faults::default(),
        scripts: Vec::new(),
    };
    World {
        folder,
        project,
        loaded,
    }
}

/// A run in which `c` was skipped.
fn last_run(folder: &std::path::Path) -> LastRun {
    let path = folder.join("run_results.json");
    let entry = |name: &str, status: &str| json!({"unique_id": format!("model.shop.{name}"), "status": status});
    let results = [
        entry("a", "success"),
        entry("b", "error"),
        entry("c", "skipped"),
        entry("bare", "success"),
    ];
    fs::write(&path, json!({ "results": results }).to_string()).unwrap();
    LastRun::read(&path).unwrap().unwrap()
}

/// One line a phase: lanes apart by `|`. Then the warnings.
fn chosen(options: HooksOptions) -> String {
    let World {
        folder,
        project,
        loaded,
    } = world();
    let last_run = last_run(folder.path());
    let selected = options.selects().then(|| {
        Selector::new(&loaded.dag)
            .select(&options.criteria)
            .unwrap()
            .nodes
    });
    let choice = ScriptSelection {
        project: &project,
        loaded: &loaded,
        options: &options,
        selected: selected.as_ref(),
        last_run: Some(&last_run),
    };
    let chosen = choice.select().unwrap();
    let lane = |lane: &Lane| {
        lane.iter()
            .map(|one| one.id.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let phase = |lanes: &Vec<Lane>| {
        lanes
            .iter()
            .map(lane)
            .filter(|lane| !lane.is_empty())
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let lines = chosen
        .phases
        .iter()
        .map(phase)
        .filter(|line| !line.is_empty());
    lines
        .chain(chosen.warnings.clone())
        .collect::<Vec<_>>()
        .join("\n")
}

fn criteria(select: &str) -> Criteria {
    let resource_types = ResourceTypes::of_command("build");
    Criteria {
        select: vec![select.to_owned()],
        resource_types,
        ..Criteria::default()
    }
}

#[test]
fn by_default_what_belongs_behind_the_models_of_the_last_run() {
    insta::assert_snapshot!(chosen(HooksOptions::default()), @r"
    script.a.AFTER.tell.py | script.b.AFTER.tell.py script.b.AFTER.last.py
    hook.a.POST.q.py
    script.GLOBAL.AFTER.done.py
    ");
}

#[test]
fn all_models_whatever_the_last_run_did() {
    insta::assert_snapshot!(chosen(HooksOptions { all: true, ..HooksOptions::default() }), @r"
    script.c.AFTER.tell.py | script.a.AFTER.tell.py | script.b.AFTER.tell.py script.b.AFTER.last.py
    hook.a.POST.q.py
    script.GLOBAL.AFTER.done.py
    ");
}

#[test]
fn a_selection_takes_models_and_leaves_global_scripts_out() {
    let of_c = HooksOptions {
        criteria: criteria("c bare"),
        ..HooksOptions::default()
    };
    insta::assert_snapshot!(chosen(of_c.clone()), @"script.c.AFTER.tell.py");
    insta::assert_snapshot!(chosen(HooksOptions { globals: true, ..of_c }), @r"
    script.c.AFTER.tell.py
    script.GLOBAL.AFTER.done.py
    ");
}

#[test]
fn before_takes_global_scripts_first_and_only_models_with_before_scripts() {
    insta::assert_snapshot!(chosen(HooksOptions { before: true, ..HooksOptions::default() }), @r"
    script.GLOBAL.BEFORE.first.py
    hook.b.PRE.p.py
    script.b.BEFORE.load.py
    ");
    let selected = HooksOptions {
        before: true,
        criteria: criteria("a"),
        ..HooksOptions::default()
    };
    insta::assert_snapshot!(chosen(selected), @"hook.a.PRE.p.py");
}

#[test]
fn scripts_are_filtered_by_their_path_and_hooks_are_not() {
    let only = |paths: &[&str], globals| {
        let scripts = paths.iter().map(|path| (*path).to_owned()).collect();
        chosen(HooksOptions {
            scripts,
            globals,
            ..HooksOptions::default()
        })
    };
    insta::assert_snapshot!(only(&["./x/last.py"], false), @r"
    script.b.AFTER.last.py
    hook.a.POST.q.py
    ");
    insta::assert_snapshot!(only(&["done.py"], true), @r"
    hook.a.POST.q.py
    script.GLOBAL.AFTER.done.py
    ");
    insta::assert_snapshot!(only(&["q.py"], false), @r"
    hook.a.POST.q.py
    `--scripts q.py` matches no script that would run
    ");
}
