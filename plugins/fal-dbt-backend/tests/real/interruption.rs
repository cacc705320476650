//! Tests of interruptions during SQL and Python, and of models that crash.

use std::{env, fs, process::Command, thread};

use fal_plugin::payload::{CloseRequest, NodeStatus};
use serde_json::Value;

use crate::project;

/// Opens the database for writing: no process may hold it, and it must be intact.
const OPEN: &str =
    "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table proof as select 1')";

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn sql_and_python_are_interrupted() {
    let project = project::open();
    let endless = "{{ config(materialized='table') }} \
                   select count(*) as n from range(10000000000) a, range(10000000000) b";
    fs::write(project.folder.path().join("models/largest.sql"), endless).unwrap();
    project.begin();
    let asleep = "import time\nprint('asleep', flush=True)\ntime.sleep(1000)\nwrite_to_model(None)";
    thread::scope(|scope| {
        let query = scope.spawn(|| project.dbt("model.shop.largest"));
        let model = scope.spawn(|| project.code("totals", asleep));
        project.await_output("asleep");
        project.session.cancel();
        for result in [query.join().unwrap(), model.join().unwrap()] {
            assert_eq!(
                (result.status, result.message.as_deref()),
                (NodeStatus::Error, Some("interrupted"))
            );
        }
    });
    assert!(
        project
            .session
            .close(&CloseRequest { interrupted: true })
            .unwrap()
            .artifacts_written
    );
    let results =
        fs::read_to_string(project.folder.path().join("target/run_results.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&results).unwrap()["results"].is_array());
    let mut open = Command::new(env::var_os("FAL_TEST_DBT_PYTHON").unwrap());
    assert!(open
        .args(["-c", OPEN])
        .arg(project.folder.path().join("shop.duckdb"))
        .status()
        .unwrap()
        .success());
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn models_that_crash_harm_only_themselves() {
    let project = project::open();
    project.begin();
    project.dbt("seed.shop.payments");
    project.dbt("model.shop.paid");
    let table = [
        (
            "import ctypes; ctypes.string_at(0)",
            "killed by signal 11 (SIGSEGV)",
        ),
        ("import os; os._exit(0)", "ended with exit code 0"),
        ("raise SystemExit(0)", "write_to_model"),
        ("def f(): f()\nf()", "RecursionError"),
        (
            "import os, signal; os.kill(os.getppid(), signal.SIGKILL); import time; time.sleep(9)",
            "killed by signal 9",
        ),
    ];
    for (code, expected) in table {
        let result = project.code("totals", code);
        assert_eq!(result.status, NodeStatus::Error, "{code}");
        let message = result.message.unwrap();
        assert!(message.contains(expected), "{code}: {message}");
    }
    let untidy = "import os, subprocess, threading, time\n\
                  subprocess.Popen(['sleep', '1000'], start_new_session=True)\n\
                  threading.Thread(target=time.sleep, args=[1000]).start()\n\
                  os.chdir('/'); print('left', flush=True)\n\
                  write_to_model(ref('paid'))";
    let result = project.code("totals", untidy);
    assert_eq!(
        (result.status, result.rows_affected),
        (NodeStatus::Success, Some(3)),
        "{result:?}"
    );
    project.await_output("left");
    assert_eq!(project.python("totals").rows_affected, Some(2));
    project
        .session
        .close(&CloseRequest { interrupted: false })
        .unwrap();
}
