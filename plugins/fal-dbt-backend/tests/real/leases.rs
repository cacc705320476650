//! Tests of leases: models are lent, run by their scripts in a process that shares nothing with the
//! backend, and settled.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use fal_plugin::payload::{
    CloseRequest, Event, Lease, Lent, NodeRequest, NodeStatus, NodeWork, Resources,
};
use serde_json::{json, Value};

use crate::project::{self, python, Project};

fn test_python() -> Command {
    Command::new(env::var_os("FAL_TEST_DBT_PYTHON").unwrap())
}

/// Runs a script as on another machine: in another folder, without variables.
fn script(lease: &Lease) -> Command {
    let mut command = test_python();
    command
        .arg(&lease.script)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(lease: &Lease, code: i32) -> String {
    let output = script(lease).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", text(&output));
    text(&output)
}

fn text(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{stdout}{stderr}")
}

fn ready(more: Value) -> Project {
    let project = project::open_with(more);
    project.begin();
    project.dbt("seed.shop.payments");
    project.dbt("model.shop.paid");
    project
}

fn lent(lent: Lent) -> Lease {
    match lent {
        Lent::Lease { lease } => *lease,
        Lent::Ended { result } => panic!("{result:?}"),
    }
}

const ASLEEP: &str = "import time\nprint('asleep', flush=True)\ntime.sleep(1000)";

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_lent_model_is_run_by_its_script_alone() {
    let project = ready(json!({ "debug": true }));

    let code = fs::read_to_string(project.folder.path().join("models/totals.py")).unwrap();
    let lease = project.lease("totals", &code);
    assert_eq!(
        fs::metadata(&lease.script).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(
        lease.gateway.location.starts_with("grpc+tls://127.0.0.1:"),
        "{:?}",
        lease.gateway
    );
    assert_eq!(
        (lease.output.as_deref(), lease.output_is_rows),
        (Some(r#""shop"."main"."totals""#), true)
    );
    assert_eq!(lease.inputs[0].unique_id, "model.shop.paid");
    assert_eq!(run(&lease, 0), "");
    // A second run is a new attempt, and succeeds too.
    assert_eq!(run(&lease, 0), "");
    strangers_get_nothing(&lease);
    let (path, token) = (lease.script.clone(), lease.gateway.token.clone());
    let settled = project.settle("totals", lease, NodeStatus::Success, None);
    assert_eq!(
        (settled.status, settled.rows_affected),
        (NodeStatus::Success, Some(2)),
        "{settled:?}"
    );
    assert!(!Path::new(&path).exists());

    let lease = project.lease(
        "misfits",
        "print('here')\nraise ValueError('no misfits here')",
    );
    run(&lease, 1);
    let settled = project.settle("misfits", lease, NodeStatus::Error, Some("exit code 1"));
    let message = settled.message.unwrap();
    assert!(
        message.contains("models/misfits.py\", line 2") && message.contains("no misfits here"),
        "{message}"
    );

    let lease = lent(project.lend("counted", NodeWork::Dbt, None));
    run(&lease, 0);
    let settled = project.settle("counted", lease, NodeStatus::Success, None);
    assert_eq!(settled.status, NodeStatus::Success, "{settled:?}");

    project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
    let events = project.events();
    let lines: Vec<_> = events
        .iter()
        .filter_map(|event| {
            if let Event::Output { line, .. } = event {
                Some(line)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(lines, ["rows: 3", "rows: 3", "here"]);
    let log = format!("{events:?}");
    assert!(
        log.contains("lease of model.shop.totals: a script of") && !log.contains(&token),
        "{log}"
    );
    assert!(
        !log.contains("ssl_"),
        "failed connection attempts are not logged: {log}"
    );
    let results =
        fs::read_to_string(project.folder.path().join("target/run_results.json")).unwrap();
    assert!(results.contains("model.shop.counted"));
    no_file_has(project.folder.path(), &token);
}

/// Checks that clients are refused that do not trust the certificate, do not encrypt or trust
/// another certificate.
const STRANGERS: &str = r#"
import json, sys
from pyarrow import flight
place, token, certificate, other = sys.argv[1], sys.stdin.read(), sys.argv[2], sys.argv[3]
tls, plain = f"grpc+tls://{place}", f"grpc+tcp://{place}"
cases = {
    "plain": (plain, {}),
    "system roots": (tls, {"override_hostname": "fal-gateway"}),
    "other name": (tls, {"tls_root_certs": certificate}),
    "other certificate": (tls, {"tls_root_certs": other, "override_hostname": "fal-gateway"}),
    "own": (tls, {"tls_root_certs": certificate, "override_hostname": "fal-gateway"}),
}
for name, (location, options) in cases.items():
    try:
        with flight.FlightClient(location, **options) as client:
            action = flight.Action("job_start", json.dumps({"token": token}).encode())
            list(client.do_action(action, flight.FlightCallOptions(timeout=20)))
        print(name, "served")
    except flight.FlightUnavailableError:
        print(name, "refused")
    except flight.FlightError as error:
        print(name, type(error).__name__, str(error)[:300])
"#;

fn strangers_get_nothing(lease: &Lease) {
    let place = lease.gateway.location.split_once("//").unwrap().1;
    let other = include_str!("../fixtures/other_certificate.pem");
    let mut child = test_python()
        .args([
            "-c",
            STRANGERS,
            place,
            lease.gateway.certificate.as_deref().unwrap(),
            other,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::Write;
    child.stdin.take().unwrap().write_all(b"wrong").unwrap();
    let printed = text(&child.wait_with_output().unwrap());
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "plain refused",
            "system roots refused",
            "other name refused",
            "other certificate refused"
        ]
    );
    assert!(
        lines[4].starts_with("own FlightServerError") && lines[4].contains("gateway::token"),
        "{printed}"
    );
}

/// Checks that a secret is no argument and no variable of any process.
fn nobody_shows(token: &str) {
    let Ok(processes) = fs::read_dir("/proc") else {
        return;
    };
    for process in processes.filter_map(Result::ok) {
        for name in ["cmdline", "environ"] {
            let shown = fs::read(process.path().join(name)).unwrap_or_default();
            assert!(
                !contains(&shown, token),
                "{}/{name}",
                process.path().display()
            );
        }
    }
}

/// Checks that a secret is in no file below a folder.
fn no_file_has(folder: &Path, token: &str) {
    for entry in fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if entry.is_dir() {
            no_file_has(&entry, token);
        } else {
            assert!(
                !contains(&fs::read(&entry).unwrap_or_default(), token),
                "{}",
                entry.display()
            );
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn leases_end_as_they_must() {
    let project = ready(json!({}));

    // A job that takes too long is stopped, here and on a runner.
    let lease = lent(project.lend("totals", python("totals", ASLEEP), Some(1.0)));
    run(&lease, 1);
    let settled = project.settle("totals", lease, NodeStatus::Error, None);
    assert_eq!(
        settled.message.as_deref(),
        Some("the model ran longer than its timeout of 1 seconds")
    );
    let resources = Resources {
        timeout: Some(0.5),
        ..Resources::default()
    };
    let request = NodeRequest {
        resources,
        ..NodeRequest::new("model.shop.totals", python("totals", ASLEEP))
    };
    let ended = project.session.run_node(&request).unwrap();
    assert_eq!(
        ended.message.as_deref(),
        Some("the model ran longer than its timeout of 0.5 seconds")
    );

    // The runner never ran the job, with and without reporting that.
    let lease = project.lease("totals", "pass");
    let settled = project.settle(
        "totals",
        lease,
        NodeStatus::Error,
        Some("no machine is free"),
    );
    let message = settled.message.unwrap();
    assert!(
        message
            .starts_with("no machine is free\nThe data gateway listens at this machine's loopback"),
        "{message}"
    );
    let lease = project.lease("totals", "pass");
    let again = lease.clone();
    let settled = project.settle("totals", lease, NodeStatus::Success, None);
    assert!(settled
        .message
        .unwrap()
        .contains("the job never came to the data gateway"));
    assert!(project
        .session
        .settle(&fal_plugin::payload::SettleRequest {
            lease: again.lease,
            result: ended
        })
        .is_err());
    // Only models are lent, and only in environments that exist.
    let Lent::Ended { result } = project.lend(
        "totals",
        project::work_in("totals", "pass", "nowhere"),
        None,
    ) else {
        panic!()
    };
    assert_eq!(
        result.message.as_deref(),
        Some("environment `nowhere` is not defined in fal_project.yml (defined are: none)")
    );
    // A model that dbt refuses ends before it begins.
    let Lent::Ended { result } = project.lend("nothing", NodeWork::Dbt, None) else {
        panic!()
    };
    assert_eq!(result.status, NodeStatus::Error);

    // The run is interrupted while leases are out.
    let (lease, idle) = (
        project.lease("totals", &format!("print('begun')\n{ASLEEP}")),
        project.lease("misfits", "pass"),
    );
    thread::scope(|scope| {
        let running = scope.spawn(|| run(&lease, 3));
        project.await_output("begun");
        nobody_shows(&lease.gateway.token);
        project.session.cancel();
        assert_eq!(running.join().unwrap(), "fal: the run was interrupted\n");
    });
    let path = lease.script.clone();
    let settled = project.settle("totals", lease, NodeStatus::Error, Some("exit code 3"));
    assert_eq!(
        (settled.status, settled.message.as_deref()),
        (NodeStatus::Error, Some("interrupted"))
    );
    assert!(!Path::new(&path).exists());
    assert_eq!(
        project
            .settle("misfits", idle, NodeStatus::Error, None)
            .message
            .as_deref(),
        Some("interrupted")
    );
    let Lent::Ended { result } = project.lend("totals", python("totals", "pass"), None) else {
        panic!()
    };
    assert_eq!(result.message.as_deref(), Some("interrupted"));
    project
        .session
        .close(&CloseRequest { interrupted: true })
        .unwrap();
}
