//! A `dbt` program that dies, lies and prints junk: fal-host never reports success although a node
//! was not built, and always ends.
//!
//! `FAL_FAULT_SEED` and `FAL_FAULT_COUNT` choose the draws; without them each run draws new ones.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use fal_e2e::{Project, dbt_python};

/// At a time.
const AT_ONCE: usize = 2;
/// What the host is to build.
const ALL: &[&str] = &["a", "b", "c", "d", "t"];

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn no_fault_of_dbt_makes_a_success_of_what_was_not_built() {
    let number = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_nanos() as u64
    };
    let first: u64 = number("FAL_FAULT_SEED").unwrap_or_else(now);
    let count = number("FAL_FAULT_COUNT").unwrap_or(200);
    let (next, well) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let project = project();
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count {
                        return;
                    }
                    if attempt(&project, first.wrapping_add(number)) {
                        well.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    let well = well.into_inner();
    assert!(
        well > 0 && well < count,
        "{well} of {count} went well: seed {first}"
    );
}

fn project() -> Project {
    let project = Project::bare();
    project.write("dbt_project.yml", "name: p\nprofile: shop\n");
    for name in ["a", "b", "c", "d", "e"] {
        project.write(&format!("models/{name}.sql"), "select 1");
    }
    let program = project.home().join("dbt");
    let text = format!(
        "#!{} -ESB\n{}",
        dbt_python().display(),
        include_str!("faulty_dbt/dbt.py")
    );
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    project
}

/// Runs `build` with the faults of a seed. Returns whether it was reported as a success.
fn attempt(project: &Project, seed: u64) -> bool {
    let built = project.home().join("built");
    let _ = fs::remove_file(&built);
    let mut command = build(project, &built, seed);
    command.env("DBT_PARTIAL_PARSE", "false");
    let ended = project.finish(command);
    let text = fs::read_to_string(&built).unwrap_or_default();
    let missing: Vec<_> = ALL
        .iter()
        .filter(|name| !text.lines().any(|line| line == **name))
        .collect();
    let is_success = ended.code() == 0;
    assert!(
        !is_success || missing.is_empty(),
        "seed {seed}: {missing:?} not built\n{ended:?}"
    );
    assert!(matches!(ended.code(), 0..=2), "seed {seed}\n{ended:?}");
    is_success
}

fn build(project: &Project, built: &Path, seed: u64) -> Command {
    let mut command = project.host_with_dbt("build");
    command
        .env("FAL_HOST_DBT", project.home().join("dbt"))
        .env("FAL_HOST_DBT_ENGINE", "commands")
        .env("FAULTY_DBT_SEED", seed.to_string())
        .env("FAULTY_DBT_VERSION", "2.0.0")
        .env("FAULTY_DBT_BUILT", built);
    command
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn half_a_manifest_of_an_earlier_call_is_made_anew() {
    let project = project();
    let built = project.home().join("built");
    for faults in ["none cut_manifest", "none none"] {
        fs::write(project.home().join("built.faults"), faults).unwrap();
        project.finish(build(&project, &built, 1)).expect(0);
    }
}
