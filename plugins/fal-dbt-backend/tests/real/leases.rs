//! Models that others run: lent, run by their scripts in a process that has nothing of ours, settled.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
};

use fal_plugin::payload::{CloseRequest, Lease, Lent, NodeStatus, NodeWork};

use crate::project;

/// As on another machine: another folder, no variables.
fn script(lease: &Lease) -> Command {
    let mut command = Command::new(env::var_os("FAL_TEST_DBT_PYTHON").unwrap());
    command.arg(&lease.script).env_clear().current_dir("/").stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    format!(
        "{:?}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_lent_model_is_run_by_its_script_alone() {
    let project = project::open();
    project.begin();
    project.dbt("seed.shop.payments");
    project.dbt("model.shop.paid");

    let code = fs::read_to_string(project.folder.path().join("models/totals.py")).unwrap();
    let lease = project.lease("totals", &code);
    assert_eq!(fs::metadata(&lease.script).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(lease.gateway.location.starts_with("grpc+tls://127.0.0.1:"), "{:?}", lease.gateway);
    assert_eq!((lease.output.as_deref(), lease.output_is_rows), (Some(r#""shop"."main"."totals""#), true));
    assert_eq!(lease.inputs[0].unique_id, "model.shop.paid");
    let output = script(&lease).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b""[..], &b""[..]), "{}", text(&output));
    let path = lease.script.clone();
    let settled = project.settle("totals", lease, NodeStatus::Success, None);
    assert_eq!((settled.status, settled.rows_affected), (NodeStatus::Success, Some(2)), "{settled:?}");
    assert!(!Path::new(&path).exists());
    assert_eq!(project.output(), [("model.shop.totals".to_owned(), "rows: 3".to_owned())]);

    let lease = project.lease("misfits", "print('here')\nraise ValueError('no misfits here')");
    let output = script(&lease).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let settled = project.settle("misfits", lease, NodeStatus::Error, Some("exit code 1"));
    let message = settled.message.unwrap();
    assert!(message.contains("models/misfits.py\", line 2") && message.contains("no misfits here"), "{message}");

    let Lent::Lease { lease } = project.lend("counted", NodeWork::Dbt) else { panic!() };
    let output = script(&lease).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let settled = project.settle("counted", *lease, NodeStatus::Success, None);
    assert_eq!(settled.status, NodeStatus::Success, "{settled:?}");
    project.session.close(&CloseRequest { interrupted: false }).unwrap();
}
