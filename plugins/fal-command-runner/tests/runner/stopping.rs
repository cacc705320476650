//! Time limits, cancellation, the end of the session and the sudden death of the host.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fal_plugin::payload::{LogLevel, NodeStatus};
use serde_json::json;

use crate::stand::{lives, wait_until, Stand};

/// A command with a descendant in another session; both ignore SIGTERM.
const STUBBORN: &str =
    "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > inner; touch ready; while :; do sleep 1; done' & \
    echo $$ > outer; while :; do sleep 1; done";

fn nothing_lives(stand: &Stand) {
    wait_until("all is gone", || {
        !lives(&stand.path("inner")) && !lives(&stand.path("outer"))
    });
}

#[test]
fn a_cancelled_node_returns_soon_and_nothing_of_it_is_left() {
    let stand = Stand::shell(STUBBORN);
    let request = stand.node("", json!({}));
    let (result, begin) = stand.meanwhile(&request, || {
        let begin = Instant::now();
        stand.cancel();
        begin
    });
    // Much longer than the end takes, and far shorter than waiting for the command would.
    assert!(begin.elapsed() < Duration::from_secs(20));
    assert_eq!(
        (result.status, result.message.as_deref()),
        (NodeStatus::Error, Some("interrupted"))
    );
    nothing_lives(&stand);
    assert_eq!(
        stand.result("").message.as_deref(),
        Some("interrupted"),
        "nothing begins after that"
    );
}

#[test]
fn a_command_may_end_in_order() {
    let stand = Stand::shell(
        "trap 'echo cleaned > seen; exit 5' TERM; touch ready; while :; do sleep 0.01; done",
    );
    let request = stand.node("", json!({}));
    stand.meanwhile(&request, || stand.cancel());
    assert_eq!(stand.read("seen"), "cleaned\n");
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let stand = Stand::new(json!({"shell": true, "command": STUBBORN, "queue_timeout": "400ms"}));
    let request = stand.node("", json!({"timeout": 0.1}));
    let message = stand.failure(&request);
    assert!(
        message.starts_with(
            "the command was ended after 0.5s, which is its time limit\nThe command: /bin/sh"
        ),
        "{message}"
    );
    wait_until("all is gone", || {
        !stand.path("inner").exists() || !lives(&stand.path("inner"))
    });
    assert!(!lives(&stand.path("outer")));
}

#[test]
fn cleanup_follows_what_did_not_end_by_itself() {
    let stand = Stand::new(json!({
        "shell": true, "command": "echo {job} > job; touch ready; exec sleep 1000", "cleanup": "echo {job} > cleaned; exit 4",
    }));
    let request = stand.node("", json!({}));
    stand.meanwhile(&request, || stand.cancel());
    assert_eq!(stand.read("cleaned"), stand.read("job"));
    assert_eq!(
        stand.heard(LogLevel::Warn),
        ["`cleanup` ended with exit code 4"]
    );
    let well = Stand::new(json!({"shell": true, "command": "true", "cleanup": "touch cleaned"}));
    well.succeeds("");
    assert!(!well.path("cleaned").exists());
}

#[test]
fn closing_ends_what_runs() {
    let stand = Stand::shell(STUBBORN);
    let request = stand.node("", json!({}));
    let (result, ()) = stand.meanwhile(&request, || stand.close());
    assert_eq!(result.message.as_deref(), Some("interrupted"));
    nothing_lives(&stand);
    assert_eq!(stand.run(&request).unwrap_err().code, "command::closed");
}

/// The environment variable that is set for the process that acts as the host.
const ROLE: &str = "FAL_COMMAND_RUNNER_TEST_FOLDER";

#[test]
fn a_killed_host_leaves_no_process_and_no_script() {
    if let Ok(folder) = std::env::var(ROLE) {
        let config = json!({"bundle": "file", "folder": folder, "shell": true,
            "command": "cd {dir}/..; sleep 1000 & echo $! > inner; echo $$ > outer; touch ready; wait"});
        let stand = Stand::new(config);
        stand.result("print('secret')");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let name = "stopping::a_killed_host_leaves_no_process_and_no_script";
    let mut host = Command::new(std::env::current_exe().unwrap());
    host.args([name, "--exact", "--nocapture"])
        .env(ROLE, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut host = host.spawn().unwrap();
    wait_until("the command runs", || at("ready").exists());
    host.kill().unwrap();
    host.wait().unwrap();
    wait_until("the command is gone", || {
        !lives(&at("inner")) && !lives(&at("outer"))
    });
    let folders = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .filter(|entry| entry.path().is_dir())
            .count()
    };
    wait_until("the script is gone", || folders() == 0);
}
