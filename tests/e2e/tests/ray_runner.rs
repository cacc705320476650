//! Python models on a real Ray cluster of two machines.

mod cluster;

use std::{fs, path::PathBuf, process::Command, thread};

use cluster::Cluster;
use fal_e2e::{Ended, PATIENCE, Project, Running, wait_until, workspace};
use rustix::process::Signal;
use serde_json::{Value, json};

const PYTHON: [&str; 20] = [
    "one_1", "one_2", "one_3", "one_4", "two_1", "two_2", "two_3", "two_4", "held_1", "held_2",
    "native", "three_1", "three_2", "three_3", "three_4", "four_1", "four_2", "four_3", "five_1",
    "last",
];

#[test]
#[ignore = "needs dbt and Ray: cargo xtask test"]
fn models_run_on_a_cluster() {
    let local = thread::spawn(|| {
        let local = project();
        local.run("run").expect(0);
        local
    });
    let mut cluster = Cluster::start();
    let local = local.join().unwrap();
    let project = project();

    the_tables_are_those_of_a_local_run_though_a_machine_dies(&mut cluster, &project, &local);
    without_retries_only_what_ran_on_the_machine_fails(&mut cluster, &project);
    an_interruption_ends_the_tasks(&cluster, &project);
    a_cluster_that_cannot_be_used_is_told(&cluster, &project);
    project.nothing_is_left();
}

/// Two models wait for each other's machines, one on each; then one machine dies.
fn the_tables_are_those_of_a_local_run_though_a_machine_dies(
    cluster: &mut Cluster,
    project: &Project,
    local: &Project,
) {
    configure(project, cluster, json!({}));
    let holding = hold(project);
    let running = start(project, &["run"]);
    let (dying, staying) = both_held(&running, project);
    cluster.kill_worker();
    running.wait_until("the model is run again", || {
        said(project, &format!("held_{dying}: its process died"))
    });
    fs::remove_dir_all(&holding).unwrap();
    let ended = running.wait();
    ended.expect(0);

    let tables: Vec<String> = PYTHON
        .iter()
        .chain(&["raw", "middle"])
        .map(|name| format!("main.{name}"))
        .collect();
    let names: Vec<&str> = tables.iter().map(String::as_str).collect();
    assert_eq!(project.differences(local, &names), json!({}), "{ended}");
    let again: Vec<String> = messages(project)
        .into_iter()
        .filter(|line| line.contains("running it again"))
        .collect();
    assert!(
        again.iter().all(|line| line.contains(cluster::WORKER)),
        "only what ran on the dead machine: {again:#?}"
    );
    assert!(
        !again
            .iter()
            .any(|line| line.contains(&format!("held_{staying}:"))),
        "{again:#?}"
    );
    let places: Vec<String> = messages(project)
        .into_iter()
        .filter(|line| line.contains(": runs on "))
        .collect();
    assert!(places.len() > PYTHON.len(), "{places:#?}");
    assert!(
        places.iter().any(|line| line.contains(cluster::WORKER))
            && places.iter().any(|line| !line.contains(cluster::WORKER))
    );
    let store = said(project, "reads from the object store").expect("the object store is reported");
    assert!(!store.contains(" 0 reads from the object store"), "{store}");
}

fn without_retries_only_what_ran_on_the_machine_fails(cluster: &mut Cluster, project: &Project) {
    cluster.start_worker();
    configure(project, cluster, json!({"retries": 0}));
    let holding = hold(project);
    let running = start(project, &["run", "--select", "held_1", "held_2"]);
    let (dead, alive) = both_held(&running, project);
    cluster.kill_worker();
    running.wait_until("its model fails", || {
        messages(project)
            .into_iter()
            .find(|line| line.contains("ERROR") && line.contains(&format!("main.held_{dead} ")))
    });
    fs::remove_dir_all(&holding).unwrap();
    running
        .wait()
        .expect(1)
        .says("the model's process died on 127.0.0.3")
        .says("attempt 1 of 1");
    let mut results = [
        format!("held_{dead} error"),
        format!("held_{alive} success"),
    ];
    results.sort();
    assert_eq!(project.results(), results);
    assert_eq!(
        project.query(&format!("select count(*) from held_{dead}")),
        json!([[2000]]),
        "the old table stays"
    );
}

fn an_interruption_ends_the_tasks(cluster: &Cluster, project: &Project) {
    let holding = hold(project);
    let mut running = start(project, &["run", "--select", "held_1"]);
    running.wait_until("it is held", || place(project, 1));
    running.signal(Signal::INT);
    running.wait().expect(130);
    project.nothing_is_left();
    wait_until(PATIENCE, || cluster.has_ended("fal-host").then_some(())).expect("the task runs on");
    fs::remove_dir_all(holding).unwrap();
}

fn a_cluster_that_cannot_be_used_is_told(cluster: &Cluster, project: &Project) {
    project.write("wrong_token", "f".repeat(32));
    configure(project, cluster, json!({"token_file": "wrong_token"}));
    run_one(project)
        .expect(2)
        .says("refuses the token")
        .never_says("Traceback");
    configure(project, cluster, json!({"address": "127.0.0.4:1"}));
    run_one(project)
        .expect(2)
        .says("no Ray cluster can be reached at 127.0.0.4:1");
    configure(project, cluster, json!({"queue_timeout": 0.1}));
    let schema = project
        .read("models/schema.yml")
        .replace("spare: 1", "spare: 2");
    project.write("models/schema.yml", schema);
    run_one(project)
        .expect(1)
        .says("it asks for 0.5 CPU, 0.07 GB memory, 2 spare; the cluster has 127.0.0.2: 2 CPU");
}

fn run_one(project: &Project) -> Ended {
    start(project, &["run", "--select", "held_1"]).wait()
}

/// The project; its models wait while a folder exists.
fn project() -> Project {
    let project = Project::copy_of("ray");
    for number in [1, 2] {
        let path = format!("models/held_{number}.py");
        let text = project
            .read(&path)
            .replace("HOLD", &project.home().join("hold").display().to_string());
        project.write(&path, text);
    }
    project
}

/// From now on models are held, until the folder is gone.
fn hold(project: &Project) -> PathBuf {
    let folder = project.home().join("hold");
    fs::create_dir(&folder).unwrap();
    folder
}

fn configure(project: &Project, cluster: &Cluster, more: Value) {
    let mut config = json!({
        "address": cluster.address(), "token_file": cluster.token_file(), "python": cluster::python(), "concurrency": 6,
    });
    let more = more.as_object().cloned().unwrap_or_default();
    config.as_object_mut().unwrap().extend(more);
    let settings = json!({
        "plugins": {"config": {"fal-ray-runner": config}},
        "routes": [{"select": "path:models", "runner": "fal-ray-runner"}],
    });
    project.write("fal_project.yml", settings.to_string());
}

fn start(project: &Project, args: &[&str]) -> Running {
    let mut command: Command = project.host_with_dbt(args);
    command.env(
        "FAL_PLUGIN_PATH",
        workspace().join("plugins/fal-ray-runner"),
    );
    project.spawn(command)
}

/// Where a held model is, once it is held.
fn place(project: &Project, number: u32) -> Option<String> {
    let model = format!("held_{number}");
    project
        .home()
        .join("hold")
        .join(&model)
        .exists()
        .then(|| said(project, &format!("{model}: runs on ")))?
}

/// The number of the model that is held on the second machine, and that of the other.
fn both_held(running: &Running, project: &Project) -> (u32, u32) {
    let places =
        [1, 2].map(|number| running.wait_until("both are held", || place(project, number)));
    match places.map(|place| place.contains(cluster::WORKER)) {
        [true, false] => (1, 2),
        [false, true] => (2, 1),
        _ => panic!("one of them on each machine"),
    }
}

fn said(project: &Project, text: &str) -> Option<String> {
    messages(project)
        .into_iter()
        .find(|line| line.contains(text))
}

/// All messages of the run, debugging included.
fn messages(project: &Project) -> Vec<String> {
    let text = fs::read_to_string(project.path("target/fal/events.jsonl")).unwrap_or_default();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter_map(|line| line["info"]["msg"].as_str().map(str::to_owned))
        .collect()
}
