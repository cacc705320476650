//! `generate` killed at any moment: only whole files, and the next one completes.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Instant,
};

use fal_e2e::Project;
use md5::{Digest, Md5};

const MODELS: usize = 300;
const ROUNDS: u32 = 30;

fn write_models(project: &Project, parent: &str) {
    for index in 0..MODELS {
        let code = format!("import math\nwrite_to_model(ref('{parent}'))\n");
        project.write(&format!("models/d{}/m{index}.py", index % 7), code);
    }
}

fn start(project: &Project) -> Child {
    let mut command = project.host("generate");
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// fal's rule: the checksum is that of the stripped text without the checksum line.
fn is_whole(stub: &str) -> bool {
    let Some((_, rest)) = stub.split_once("FAL_GENERATED ") else {
        return false;
    };
    let Some((sum, _)) = rest.split_once('\n') else {
        return false;
    };
    let bare = stub
        .trim()
        .replace(&format!("FAL_GENERATED {sum}"), "FAL_GENERATED");
    hex::encode(Md5::digest(bare.as_bytes())) == sum
}

/// All stubs that dbt would read, each of them whole.
fn whole_stubs(project: &Project) -> usize {
    let tree = project.tree();
    let stubs = tree
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|extension| extension == "sql"));
    let whole = stubs.inspect(|(path, entry)| {
        let text = String::from_utf8_lossy(&entry.content);
        assert!(is_whole(&text), "{}: {text:?}", path.display());
    });
    let count = whole.count();
    if let Some(ignore) = tree.get(Path::new(".dbtignore")) {
        let text = String::from_utf8_lossy(&ignore.content);
        assert!(
            text.starts_with("*.tmp\n") && (text.ends_with("<<<\n") || text == "*.tmp\n"),
            "{text}"
        );
    }
    count
}

fn kill_at_random(project: &Project, prepare: impl Fn(u32)) -> u32 {
    prepare(0);
    let begun = Instant::now();
    assert!(start(project).wait().unwrap().success());
    let whole_run = begun.elapsed();
    let mut killed = 0;
    for round in 1..=ROUNDS {
        prepare(round);
        let mut child = start(project);
        // Moments spread over a run and a little beyond.
        thread::sleep(whole_run.mul_f64(f64::from(round) / f64::from(ROUNDS) * 1.1));
        let _ = child.kill();
        killed += u32::from(child.wait().unwrap().signal() == Some(9));
        whole_stubs(project);
    }
    killed
}

#[test]
fn a_first_generate_that_is_killed_leaves_only_whole_files_and_the_next_completes() {
    let project = Project::bare();
    write_models(&project, "orders");
    project.write(".dbtignore", "*.tmp\n");
    let killed = kill_at_random(&project, |_| {
        let _ = fs::remove_dir_all(project.path("models/fal"));
        let _ = fs::remove_dir_all(project.path("target"));
        project.write(".dbtignore", "*.tmp\n");
    });
    assert!(killed > 0, "no run was killed");
    project.run_host("generate").expect(0);
    assert_eq!(whole_stubs(&project), MODELS);
    project.run_host("generate --check").expect(0);
    let left: Vec<_> = project
        .tree()
        .into_keys()
        .filter(|path| path.extension().is_some_and(|it| it == "tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_generate_over_changed_models_that_is_killed_leaves_old_or_new_stubs_but_whole_ones() {
    let project = Project::bare();
    project.write(".dbtignore", "*.tmp\n");
    let killed = kill_at_random(&project, |round| {
        write_models(&project, &format!("orders_{round}"))
    });
    assert!(killed > 0, "no run was killed");
    project.run_host("generate").expect(0);
    assert_eq!(whole_stubs(&project), MODELS);
    let last = format!("ref('orders_{ROUNDS}')");
    assert!(project.read("models/fal/d0/m0.sql").contains(&last));
}
