//! Tests with real installers: equal environments are built once and shared, and failed builds
//! leave nothing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use fal_environments::{
    Base, Cache, Definition, EnvironmentBuilder, EnvironmentError, Key, Ready, Removal, State,
    Step, Stop, each_of,
};
use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec};

fn python() -> PathBuf {
    let named = env::var_os("FAL_TEST_PYTHON").filter(|value| !value.is_empty());
    named
        .map(PathBuf::from)
        .expect("this test needs FAL_TEST_PYTHON: `cargo xtask test` sets it")
}

fn builder(root: &Path) -> EnvironmentBuilder {
    EnvironmentBuilder {
        cache: Cache::at(&root.join("cache")).unwrap(),
        base: Base::from_interpreter(&python()).unwrap(),
        project_dir: root.to_owned(),
        stop: Stop::new(),
    }
}

fn venv(requirements: &[&str]) -> Definition {
    let requirements = requirements.iter().map(|line| (*line).to_owned()).collect();
    let spec = EnvironmentSpec {
        name: "any".into(),
        kind: EnvironmentKind::Venv,
        requirements,
        python: None,
    };
    Definition::read(&spec, Path::new("/")).unwrap()
}

fn output(ready: &Ready, code: &str) -> String {
    let output = Command::new(&ready.python)
        .args(["-c", code])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs Python and the network: cargo xtask test"]
fn equal_definitions_are_built_once_by_many_at_once() {
    let root = tempfile::tempdir().unwrap();
    let builds = AtomicUsize::new(0);
    let tell = |step: Step| match step {
        Step::Building { .. } => _ = builds.fetch_add(1, Ordering::Relaxed),
        Step::Waiting { .. } | Step::Built { .. } => {}
    };
    let spellings = [
        &["iniconfig==2.0.0", "six"][..],
        &["six ", "Iniconfig == 2.0.0"],
        &["six", "six", "iniconfig==2.0.0"],
    ];
    // Act like several processes: each builder opens the cache and the locks itself.
    let ready = each_of(&spellings, 3, |lines| {
        builder(root.path())
            .prepare("any", &venv(lines), &tell)
            .unwrap()
    });
    assert_eq!(builds.load(Ordering::Relaxed), 1);
    assert!(ready.iter().all(|other| other.path == ready[0].path));
    let code = "import pandas, pyarrow.flight, iniconfig, importlib.metadata as m; print(m.version('iniconfig'))";
    assert_eq!(output(&ready[0], code), "2.0.0\n");

    let cache = builder(root.path()).cache;
    assert_eq!(cache.remove(&ready[0].key).unwrap(), Removal::InUse);
    let key = ready[0].key.clone();
    drop(ready);
    assert_eq!(cache.remove(&key).unwrap(), Removal::Removed);
    assert!(cache.entries().is_empty());
}

#[test]
#[ignore = "needs Python and the network: cargo xtask test"]
fn a_failed_installation_leaves_its_log_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let builder = builder(root.path());
    let definition = venv(&["iniconfig==99.9"]);
    let error = builder.prepare("any", &definition, &|_| {}).unwrap_err();
    let EnvironmentError::Install { lines, log, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        lines.iter().any(|line| line.contains("iniconfig==99.9")),
        "{error}"
    );
    assert!(fs::read_to_string(log).unwrap().contains("iniconfig==99.9"));
    let key = Key::new(&definition, &builder.base);
    assert_eq!(builder.cache.entry(&key).state, State::Missing);
    assert!(builder.cache.entries().is_empty());
}

/// The folder of a killed build has no marker, so it is removed and built anew.
#[test]
#[ignore = "needs Python and the network: cargo xtask test"]
fn half_an_environment_is_built_anew() {
    let root = tempfile::tempdir().unwrap();
    let builder = builder(root.path());
    let definition = venv(&["iniconfig==2.0.0"]);
    let path = builder
        .cache
        .entry(&Key::new(&definition, &builder.base))
        .path;
    fs::create_dir_all(path.join("bin")).unwrap();
    fs::write(path.join("bin/left"), "").unwrap();
    std::os::unix::fs::symlink(python(), path.join("bin/python")).unwrap();
    let ready = builder.prepare("any", &definition, &|_| {}).unwrap();
    assert!(!ready.path.join("bin/left").exists());
    assert_eq!(
        output(&ready, "import iniconfig, pandas; print('whole')"),
        "whole\n"
    );
}

#[test]
#[ignore = "needs Python: cargo xtask test"]
fn a_stop_ends_a_build_and_what_would_follow() {
    let root = tempfile::tempdir().unwrap();
    let builder = builder(root.path());
    let definition = venv(&["iniconfig==2.0.0"]);
    let stop = builder.stop.clone();
    let outcome = builder.prepare("any", &definition, &|step| {
        if matches!(step, Step::Building { .. }) {
            stop.raise();
        }
    });
    assert!(
        matches!(outcome, Err(EnvironmentError::Stopped)),
        "{outcome:?}"
    );
    assert!(builder.cache.entries().is_empty());
}
