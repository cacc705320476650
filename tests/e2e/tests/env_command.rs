//! `fal-host env`: environments built, listed and removed without a run.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use fal_e2e::{Ended, Project, Running};
use rustix::process::Signal;
use serde_json::Value;

const TWO: &str = "environments:\n- {name: old, requirements: [iniconfig==1.1.1]}\n\
    - {name: new, requirements: [iniconfig==2.0.0]}\n";

fn project(environments: &str) -> Project {
    let project = Project::bare();
    project.write("fal_project.yml", environments);
    project
}

/// Runs with a separate cache.
fn env(project: &Project, args: &str) -> Command {
    let mut command = project.host_with_dbt(format!("env {args}"));
    command.env("FAL_HOST_ENVIRONMENTS", project.home().join("environments"));
    command
}

fn run(project: &Project, args: &str) -> Ended {
    project.finish(env(project, args))
}

/// `NAME STATE` of each.
fn states(project: &Project) -> Vec<String> {
    let ended = run(project, "list --output json");
    let rows: Value = serde_json::from_str(&ended.expect(0).stdout).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", text(row, "name"), text(row, "state")))
        .collect()
}

/// Puts a program into a new folder.
fn program(project: &Project, name: &str, script: &str) -> PathBuf {
    let folder = project.home().join("bin");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// A uv that makes a folder, says that it installs, and then never ends.
fn endless_uv(project: &Project) -> PathBuf {
    let begun = project.path("installing").display().to_string();
    let script = format!(
        "case \"$1\" in\npip) touch {begun}; sleep 600 & wait ;;\n\
        venv) for last; do :; done; mkdir -p \"$last/bin\"; ln -s {} \"$last/bin/python\" ;;\nesac\n",
        env::var("FAL_TEST_DBT_PYTHON").unwrap()
    );
    program(project, "uv", &script)
}

fn start_endless(project: &Project) -> Running {
    let mut command = env(project, "create old");
    let folders = env::var("PATH").unwrap();
    command.env(
        "PATH",
        format!("{}:{folders}", endless_uv(project).display()),
    );
    let running = project.spawn(command);
    running.wait_until("the build begins", || {
        project.has("installing").then_some(())
    });
    running
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn two_at_once_build_each_environment_once() {
    let project = project(TWO);
    assert_eq!(states(&project), ["old missing", "new missing"]);
    let both = [(); 2].map(|()| project.spawn(env(&project, "create")));
    let both = both.map(|running| {
        let ended = running.wait();
        ended.expect(0);
        ended
    });
    let said: String = both.iter().map(|ended| ended.stderr.as_str()).collect();
    assert_eq!(said.matches(": built in ").count(), 2, "{said}");
    assert_eq!(said.matches(": ready in ").count(), 4, "{said}");
    assert_eq!(said.matches("waiting for process").count(), 2, "{said}");
    assert_eq!(states(&project), ["old ready", "new ready"]);
    run(&project, "create").expect(0).never_says("building");

    run(&project, "clean").expect(0).says("Nothing to remove");
    run(&project, "clean old").expect(0).says("(old)");
    assert_eq!(states(&project), ["old missing", "new ready"]);
    run(&project, "clean --all").expect(0);
    assert_eq!(states(&project), ["old missing", "new missing"]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_killed_build_leaves_no_half_environment() {
    let project = project(TWO);
    let mut running = start_endless(&project);
    assert_eq!(states(&project), ["old building", "new missing"]);
    running.signal(Signal::KILL);
    running.wait();
    project.nothing_is_left();
    assert_eq!(states(&project), ["old half built", "new missing"]);
    run(&project, "create old").expect(0).says("old: built in");
    assert_eq!(states(&project), ["old ready", "new missing"]);
}

/// The folder of the only environment, whole or not.
fn built(project: &Project) -> Option<PathBuf> {
    let entries = fs::read_dir(project.home().join("environments"))
        .ok()?
        .flatten();
    entries.map(|entry| entry.path()).find(|path| {
        path.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("venv-")
    })
}

/// The real uv, killed together with the host when it writes one of these files.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_build_may_be_killed_at_any_moment() {
    let project = with_wheels("old");
    for file in [
        "",
        "pyvenv.cfg",
        "fal-requirements.txt",
        "lib/python*/site-packages/iniconfig",
        "fal-environment.json",
    ] {
        run(&project, "clean --all").expect(0);
        let mut running = project.spawn(env(&project, "create"));
        running.wait_until("the file is there", || {
            exists(&built(&project)?.join(file)).then_some(())
        });
        running.signal(Signal::KILL);
        running.wait();
        project.nothing_is_left();
        if states(&project) != ["old ready"] {
            assert_eq!(states(&project), ["old half built"], "killed at {file:?}");
            run(&project, "create").expect(0).says("old: built in");
        }
        let python = built(&project).unwrap().join("bin/python");
        let whole = Command::new(python)
            .args(["-c", "import iniconfig, pandas, pyarrow"])
            .output()
            .unwrap();
        assert!(
            whole.status.success(),
            "killed at {file:?}: {}",
            String::from_utf8_lossy(&whole.stderr)
        );
    }
}

/// `*` matches the Python version.
fn exists(path: &Path) -> bool {
    let text = path.display().to_string();
    let Some((before, after)) = text.split_once("python*/") else {
        return path.exists();
    };
    let versions = fs::read_dir(before).into_iter().flatten().flatten();
    versions
        .into_iter()
        .any(|version| version.path().join(after).exists())
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_a_killed_build_left_can_be_cleaned() {
    let project = project(TWO);
    let mut running = start_endless(&project);
    run(&project, "clean --all").expect(0).says("In use");
    running.signal(Signal::KILL);
    running.wait();
    project.nothing_is_left();
    run(&project, "clean").expect(0).says("Removed");
    assert_eq!(states(&project), ["old missing", "new missing"]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn an_interruption_ends_the_installer() {
    let project = project(TWO);
    let mut running = start_endless(&project);
    running.signal(Signal::INT);
    running.wait().expect(130);
    project.nothing_is_left();
    assert_eq!(states(&project), ["old missing", "new missing"]);
}

/// A project with one environment whose packages are empty, since real ones take long to install.
fn with_wheels(name: &str) -> Project {
    let project = project("");
    let wheels = ["pandas", "pyarrow"]
        .map(|package| wheel(&project, package))
        .join(", ");
    let requirements = format!("[{wheels}, iniconfig]");
    project.write(
        "fal_project.yml",
        format!("environments:\n- {{name: {name}, requirements: {requirements}}}\n"),
    );
    project
}

/// Writes `wheels/NAME-0.0.1-py3-none-any.whl`.
fn wheel(project: &Project, name: &str) -> String {
    let path = format!("wheels/{name}-0.0.1-py3-none-any.whl");
    project.write("wheels/README", "");
    fal_e2e::python(
        include_str!("../src/python/wheel.py"),
        &[&project.path(&path).display().to_string(), name],
    );
    path
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn without_uv_there_is_pip() {
    let project = with_wheels("new");
    let mut command = env(&project, "create new");
    // The interpreter is named by its path; nothing else is needed.
    command.env("PATH", project.home());
    project.finish(command).expect(0);
    let log = logs(&project);
    // Of the programs, and not of the whole log: a temporary folder's name may have any letters.
    let mut programs = log
        .lines()
        .filter_map(|line| line.strip_prefix("$ ")?.split(' ').next());
    assert!(
        log.contains(" -m venv ")
            && log.contains(" -m pip install ")
            && programs.all(|program| !program.ends_with("uv")),
        "{log}"
    );
    assert!(
        log.contains("Successfully installed iniconfig-")
            && log.contains("pandas-0.0.1 pyarrow-0.0.1"),
        "{log}"
    );
    assert_eq!(states(&project), ["new ready"]);
}

fn logs(project: &Project) -> String {
    let folder = project.home().join("environments/logs");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// A stand-in for conda that logs its arguments and makes a folder of the same layout.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn conda_environments_by_a_stand_in() {
    let project = project(
        "environments:\n- {name: sci, type: conda, packages: [prophet=1.1], python: '3.11'}\n",
    );
    let python = env::var("FAL_TEST_DBT_PYTHON").unwrap();
    let script = format!(
        "echo asked \"$@\"\n[ \"$1\" = create ] || exit 0\nmkdir -p \"$5/bin\"\n\
        printf '#!/bin/sh\\nexec {python} \"$@\"\\n' > \"$5/bin/python\"\nchmod +x \"$5/bin/python\"\n"
    );
    let home = program(&project, "conda", &script)
        .parent()
        .map(Path::to_owned)
        .unwrap();

    let mut without = env(&project, "create");
    without.env("PATH", "/nowhere");
    let ended = project.finish(without);
    ended
        .expect(1)
        .says("environment `sci`: no conda was found: FAL_CONDA_HOME is not set");
    ended.says("set FAL_CONDA_HOME");

    let mut with = env(&project, "create");
    with.env("FAL_CONDA_HOME", &home);
    project.finish(with).expect(0).says("sci: built in");
    let log = logs(&project);
    let asked = log
        .lines()
        .find_map(|line| line.strip_prefix("asked "))
        .unwrap();
    let words: Vec<_> = asked
        .split(' ')
        .filter(|word| !word.contains("/environments/"))
        .collect();
    assert_eq!(
        words.join(" "),
        "create --yes --quiet --prefix python=3.11 prophet=1.1 pandas pyarrow"
    );
    assert_eq!(states(&project), ["sci ready"]);
}

/// Stand-ins for installers: the tests check which interpreter they are asked to use.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn the_asked_version_is_looked_for_on_the_path() {
    let project =
        project("environments:\n- {name: far, python: '3.77'}\n- {name: gone, python: '3.78'}\n");
    let python = env::var("FAL_TEST_DBT_PYTHON").unwrap();
    let answer = r#"echo '{"version": "3.77.1", "tag": "cpython-377", "platform": "linux"}'"#;
    program(&project, "python3.77", answer);
    // A script in the interpreter's place: of a link Python would find out that it belongs to no environment with packages.
    let uv = format!(
        "for last; do :; done\n[ \"$1\" = venv ] || exit 0\nmkdir -p \"$last/bin\"\n\
         printf '#!/bin/sh\\nexec {python} \"$@\"\\n' > \"$last/bin/python\"\nchmod +x \"$last/bin/python\"\n"
    );
    let bin = program(&project, "uv", &uv);
    let mut command = env(&project, "create");
    command.env(
        "PATH",
        format!("{}:{}", bin.display(), env::var("PATH").unwrap()),
    );
    project.finish(command).expect(0);
    let log = logs(&project);
    assert!(
        log.contains(&format!(
            "venv --quiet --no-project --python {}/python3.77 ",
            bin.display()
        )),
        "{log}"
    );
    assert!(
        log.contains("venv --quiet --no-project --python 3.78 "),
        "uv may know more places: {log}"
    );

    fs::remove_file(bin.join("uv")).unwrap();
    run(&project, "clean --all").expect(0);
    let mut command = env(&project, "create gone");
    command.env("PATH", &bin);
    project
        .finish(command)
        .expect(1)
        .says("environment `gone`: no Python 3.78 is installed")
        .says("install uv");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_is_wrong_is_told_by_name() {
    let project = project("environments:\n- {name: a, requirements: [--pre]}\n");
    run(&project, "list")
        .expect(2)
        .says("environment `a`: `--pre` cannot be used");
    project.write("fal_project.yml", TWO);
    run(&project, "create odl")
        .expect(2)
        .says("defines no environment `odl`")
        .says("known are: old, new");
    project.write(
        "fal_project.yml",
        "environments:\n- {name: a, requirements: [iniconfig==99.9]}\n",
    );
    run(&project, "create")
        .expect(1)
        .says("environment `a`: `uv pip install` failed")
        .says("iniconfig==99.9");
    assert_eq!(states(&project), ["a missing"]);
}
