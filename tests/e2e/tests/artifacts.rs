//! run_results.json after interruptions and kills.

use std::{fs, time::Duration};

use fal_e2e::Project;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

const SLEEP: &str =
    "import time\nprint('asleep', flush=True)\ntime.sleep(600)\nwrite_to_model(ref('orders'))\n";

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn dbt_s_loader_reads_python_models_as_success_error_and_skipped() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write("models/good.py", "write_to_model(ref('orders'))\n");
    project.write(
        "models/bad.py",
        "rows = ref('orders')\nrows['nothing']\nwrite_to_model(rows)\n",
    );
    project.write("models/below.py", "write_to_model(ref('bad'))\n");
    project.run("run").expect(1);
    assert_eq!(
        project.statuses_for_dbt(),
        "error: bad; skipped: below; success: good orders"
    );

    let results = project.json("target/run_results.json");
    let of = |name: &str| {
        let mut results = results["results"].as_array().unwrap().iter();
        results
            .find(|result| result["unique_id"] == format!("model.shop.{name}"))
            .unwrap()
            .clone()
    };
    assert_eq!(results["args"]["which"], "run");
    assert_eq!(of("good")["adapter_response"]["rows_affected"], 1);
    assert_eq!(of("good")["relation_name"], "\"shop\".\"main\".\"good\"");
    assert!(
        of("bad")["message"]
            .as_str()
            .unwrap()
            .contains("models/bad.py\", line 2"),
        "{:#}",
        of("bad")
    );
    assert!(of("good")["execution_time"].as_f64().unwrap() > 0.0);
    // dbt retries from it, as from its own.
    project.write("models/bad.py", "write_to_model(ref('orders'))\n");
    project
        .run("run --select result:error+ --state target")
        .expect(0);
    assert_eq!(project.statuses_for_dbt(), "success: bad below");
}

/// The process of the session: the host's child that is not the zygote.
fn session_of(host: u32) -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers.into_iter().find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = status
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        parent == Some(host) && String::from_utf8_lossy(&words).contains("fal_worker.engine")
    })
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn when_the_session_is_killed_the_host_writes_them_and_nothing_is_left() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    project.write("models/asleep.py", SLEEP);
    project.write("models/below.sql", "select * from {{ ref('asleep') }}");
    let running = project.start("run");
    running.wait_for("asleep | asleep");
    let session = session_of(running.pid()).expect("the session is a child of the host");
    kill_process(
        Pid::from_raw(session.try_into().unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    let ended = running.wait();
    ended.expect(2);
    project.nothing_is_left();
    assert_eq!(
        project.statuses_for_dbt(),
        "error: asleep; skipped: below; success: orders"
    );
    assert_eq!(project.query("select id from orders"), json!([[1]]));
    let errors = ended
        .stderr
        .lines()
        .filter(|line| line.starts_with("error:"))
        .count();
    assert_eq!(errors, 1, "{ended}");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn when_the_host_is_killed_nothing_is_left() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    let code = format!(
        "import subprocess\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\n{SLEEP}"
    );
    project.write("models/asleep.py", code);
    let mut running = project.start("run");
    running.wait_for("asleep | asleep");
    assert!(
        project.survivors(Duration::ZERO).len() > 2,
        "the look at processes sees those of a run"
    );
    running.signal(Signal::KILL);
    running.wait().expect(-9);
    let left = project.survivors(Duration::from_secs(5));
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(
        project.query("select id from orders"),
        json!([[1]]),
        "the database opens"
    );
}
