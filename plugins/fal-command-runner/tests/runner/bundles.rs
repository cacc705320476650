//! What the runner passes to the command: script, variables, files and placeholders.

use fal_plugin::payload::{LogLevel, NodeStatus};
use serde_json::{json, Value};

use crate::stand::{environment, Stand, TOKEN};

#[test]
fn by_default_a_local_python_reads_the_script_from_its_input() {
    let stand = Stand::new(json!(null));
    stand.succeeds("import os; open('seen', 'w').write(os.getcwd())");
    assert_eq!(
        stand.read("seen"),
        stand
            .folder
            .path()
            .canonicalize()
            .unwrap()
            .display()
            .to_string()
    );
}

#[test]
fn a_file_comes_in_a_folder_of_its_own_with_a_description() {
    let shared = tempfile::tempdir().unwrap();
    let config = json!({"bundle": "file", "folder": shared.path(), "command": ["./program", "{script}", "{dir}", "{job}"]});
    let stand = Stand::new(config);
    stand.program("program", "#!/bin/sh\ncp $1 script; cp $2/node.json .; stat -c %a $2 $2/* > modes; ls $2 > names; echo $2 > dir; echo $3 > job\n");
    let request = stand.node(
        "print('the script')",
        json!({"cpus": 2, "custom": {"queue": "fast"}}),
    );
    assert_eq!(stand.run(&request).unwrap().status, NodeStatus::Success);
    assert_eq!(stand.read("script"), "print('the script')");
    assert_eq!(
        (stand.read("modes").as_str(), stand.read("names").as_str()),
        ("700\n600\n600\n", "node.json\nscript.py\n")
    );
    assert!(stand
        .read("dir")
        .starts_with(&shared.path().display().to_string()));
    assert_eq!(
        std::fs::read_dir(shared.path()).unwrap().count(),
        0,
        "the folder is gone"
    );
    assert!(stand.read("job").starts_with("fal-orders-"));
    let node: Value = serde_json::from_str(&stand.read("node.json")).unwrap();
    assert_eq!(
        (&node["unique_id"], &node["name"]),
        (&json!("model.shop.orders"), &json!("orders"))
    );
    assert_eq!(node["resources"]["custom"]["queue"], "fast");
    assert!(!stand.read("node.json").contains(TOKEN));
}

#[test]
fn the_environment_is_small_and_has_no_token() {
    let stand = Stand::new(json!({
        "shell": true, "command": "env > env; cat /proc/self/cmdline > words",
        "env": {"QUEUE": "{custom.queue:slow}", "LEVEL": 3},
    }));
    stand.succeeds("");
    let env = stand.read("env");
    assert!(
        env.contains("QUEUE=slow\n") && env.contains("LEVEL=3\n") && env.contains("PATH="),
        "{env}"
    );
    assert!(!env.contains("CARGO") && !env.contains(TOKEN), "{env}");
    assert!(!stand.read("words").contains(TOKEN));
    assert!(stand
        .heard(LogLevel::Debug)
        .iter()
        .all(|line| !line.contains(TOKEN)));
}

#[test]
fn environments_have_their_own_python_or_command() {
    let stand = Stand::new(json!({
        "command": ["./program", "{python}"], "python": "/opt/python",
        "environments": {"ml": {"python": "/opt/ml/python"}, "gpu": {"command": ["./program", "on-gpu"]}},
    }));
    stand.program("program", "#!/bin/sh\necho $1 >> seen\n");
    for name in [None, Some("ml"), Some("gpu")] {
        let mut request = stand.node("", json!({}));
        request.lease.as_mut().unwrap().environment = name.map(environment);
        assert_eq!(stand.run(&request).unwrap().status, NodeStatus::Success);
    }
    assert_eq!(stand.read("seen"), "/opt/python\n/opt/ml/python\non-gpu\n");
    let mut request = stand.node("", json!({}));
    request.lease.as_mut().unwrap().environment = Some(environment("unheard_of"));
    insta::assert_snapshot!(stand.failure(&request), @r"
    the model asks for the environment `unheard_of`, and the command runner does not know what that is on its machines
    Name it in the runner's configuration, `environments: {unheard_of: {python: /path/to/python}}`, or use `{environment}` in its `command`
    ");
}

#[test]
fn a_command_may_know_environments_itself() {
    let stand = Stand::shell("echo {environment:none} >> seen");
    let mut request = stand.node("", json!({}));
    stand.run(&request).unwrap();
    request.lease.as_mut().unwrap().environment = Some(environment("any"));
    stand.run(&request).unwrap();
    assert_eq!(stand.read("seen"), "none\nany\n");
}

#[test]
fn what_the_model_must_say_is_told() {
    let stand = Stand::new(json!({"command": ["run", "{custom.queue}"]}));
    insta::assert_snapshot!(stand.fails(""), @r"
    the command of the runner needs `{custom.queue}`, and the model does not say it
    Set `resources: {queue: ...}` in the model's meta, or give the placeholder a default, `{custom.queue:...}`, or put its words into a list of their own, which is then left out
    ");
}

#[test]
fn a_resource_that_nobody_asks_for_is_told_once() {
    let stand = Stand::shell("true {custom.queue:}");
    for _ in 0..2 {
        stand
            .run(&stand.node("", json!({"custom": {"queue": "fast", "cpu": 4}})))
            .unwrap();
    }
    let warned = stand.heard(LogLevel::Warn);
    assert_eq!(warned.len(), 1);
    insta::assert_snapshot!(warned[0], @"`resources: {cpu: ...}` does nothing here: no placeholder `{custom.cpu}` is in the runner's configuration");
}

#[test]
fn a_node_without_a_lease_is_an_error() {
    let stand = Stand::new(json!({}));
    let mut request = stand.node("", json!({}));
    request.lease = None;
    let error = stand.run(&request).unwrap_err();
    assert_eq!(error.code, "command::no_lease");
}
