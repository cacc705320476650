//! Models and hooks in separate environments.

use std::{env, fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use fal_e2e::{Ended, Project};
use rustix::process::Signal;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn models_and_hooks_run_in_their_environments() {
    let project = Project::copy_of("environments");
    let first = project.run("run");
    first.expect(1);
    assert_eq!(
        project.statuses(),
        "error: with_broken; skipped: below_broken; success: hooked native orders \
         with_also_new with_new with_old without"
    );
    let versions = "select (select version from with_old), (select version from with_new), \
        (select version from with_also_new), (select version from native), (select version from hooked)";
    let expected = json!([["1.1.1", "2.0.0", "2.0.0", "1.1.1", "1.1.1"]]);
    assert_eq!(project.query(versions), expected);
    assert_eq!(
        project.query("select venv from without"),
        json!([[""]]),
        "the Python that runs dbt"
    );
    assert_eq!(
        said_in_hooks(&first),
        [
            "hooked: an environment with iniconfig 1.1.1",
            "hooked: an environment with iniconfig 2.0.0",
            "hooked: dbt's Python with iniconfig any",
            "hooked: an environment with iniconfig 1.1.1",
        ],
        "pre-hooks as the model and in another one, a post-hook without, a script as the model\n{first}"
    );

    let message = project.message("with_broken");
    assert!(
        message.starts_with("environment `broken` cannot be made: `uv pip install` failed"),
        "{message}"
    );
    assert!(message.contains("iniconfig==99.9"), "{message}");
    let log = message
        .lines()
        .find_map(|line| line.strip_prefix("The whole log: "))
        .map(PathBuf::from)
        .unwrap();
    assert!(fs::read_to_string(log).unwrap().contains("iniconfig==99.9"));
    assert_eq!(
        first
            .stdout
            .matches("environment `broken`: building")
            .count(),
        1,
        "{first}"
    );

    let second = project.run("run --exclude with_broken+");
    second.expect(0).never_says("building");
    assert_eq!(project.query(versions), expected);
    project.nothing_is_left();
}

fn said_in_hooks(ended: &Ended) -> Vec<&str> {
    let lines = ended
        .stdout
        .lines()
        .filter_map(|line| line.find("hooked: ").map(|at| &line[at..]));
    lines.filter(|line| line.contains("iniconfig")).collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn two_runs_at_once_build_each_environment_once() {
    let projects = [(); 2].map(|()| Project::copy_of("environments"));
    let cache = projects[0].home().join("environments");
    let select = [
        "run",
        "--select",
        "orders",
        "with_old",
        "with_new",
        "with_also_new",
    ];
    let start = |project: &Project| {
        let mut command = project.host_with_dbt(&select);
        command.env("FAL_HOST_ENVIRONMENTS", &cache);
        project.spawn(command)
    };
    let running = [start(&projects[0]), start(&projects[1])];
    let ended = running.map(|running| running.wait());
    ended.iter().for_each(|ended| _ = ended.expect(0));
    let said: String = ended.iter().map(|ended| ended.stdout.as_str()).collect();
    assert_eq!(said.matches(": built in ").count(), 2, "{said}");
    for project in &projects {
        assert_eq!(
            project.query("select (select version from with_old), (select version from with_new)"),
            json!([["1.1.1", "2.0.0"]])
        );
    }
}

/// pyarrow declares no version of numpy, so an installer takes one that cannot be imported there.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_environment_with_an_older_numpy_gets_a_pyarrow_that_goes_with_it() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    let environments = "environments:\n  - {name: old, requirements: ['numpy<2']}\n  - {name: clash, requirements: ['numpy<2', 'pyarrow>=26']}\n";
    project.write("fal_project.yml", environments);
    let model =
        "import numpy\ndf = ref('orders')\ndf['version'] = numpy.__version__\nwrite_to_model(df)\n";
    project.write("models/with_old.py", model);
    project.write("models/clashing.py", model);
    project.write("models/more.yml", "models:\n  - {name: with_old, meta: {fal: {environment: old}}}\n  - {name: clashing, meta: {fal: {environment: clash}}}\n");
    let ended = project.run("run --select orders with_old clashing");
    ended.expect(1);
    assert_eq!(
        project.query("select distinct split_part(version, '.', 1) from with_old"),
        json!([["1"]])
    );
    let message = project.message("clashing");
    assert!(
        message.starts_with("environment `clash` cannot be made: pyarrow 26"),
        "{message}"
    );
    assert!(message.contains("NumPy 2"), "{message}");
    assert!(
        message.contains("`pyarrow<26` beside `numpy<2`"),
        "{message}"
    );
}

/// A uv that says when it installs, and then never ends.
fn endless_uv(project: &Project) -> PathBuf {
    let folder = project.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\npip) touch {}; sleep 600 & wait ;;\nvenv) for last; do :; done; mkdir -p \"$last\" ;;\nesac\n",
        project.path("installing").display()
    );
    let uv = folder.join("uv");
    fs::write(&uv, script).unwrap();
    fs::set_permissions(&uv, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_interruption_ends_a_build_and_leaves_nothing() {
    let project = Project::copy_of("environments");
    let cache = project.home().join("environments");
    let mut command: Command = project.host_with_dbt("run --select orders with_old");
    let folders = env::var("PATH").unwrap();
    command.env("FAL_HOST_ENVIRONMENTS", &cache);
    command.env(
        "PATH",
        format!("{}:{folders}", endless_uv(&project).display()),
    );
    let mut running = project.spawn(command);
    running.wait_until("the build begins", || {
        project.has("installing").then_some(())
    });
    running.signal(Signal::INT);
    let ended = running.wait();
    ended.expect(130);
    project.nothing_is_left();
    let names = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(
        !names.into_iter().any(|name| name.starts_with("venv-")),
        "half an environment is left\n{ended}"
    );
}
