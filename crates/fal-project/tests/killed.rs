//! Runs that are killed at any moment, and runs at the same time: only whole files, and the next
//! run completes.
#![cfg(unix)]

mod support;

use std::{
    env,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use support::{Project, is_whole};

const ROOT: &str = "FAL_PROJECT_TEST_ROOT";
const SALT: &str = "FAL_PROJECT_TEST_SALT";

/// Runs in the child processes of the other tests, and does nothing by itself.
#[test]
fn child() {
    let Ok(root) = env::var(ROOT) else { return };
    let mut project = Project::at(Path::new(&root));
    project.stubs.salt = env::var(SALT).map_or("", |salt| salt.leak());
    project.generate();
}

fn spawn(project: &Project, salt: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(ROOT, &project.root)
        .env(SALT, salt)
        // What a child says of its failure belongs to the test's output.
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn project(count: usize) -> Project {
    let project = Project::new(&[(".dbtignore", "*.tmp")]);
    for index in 0..count {
        project.write(
            &format!("models/d{}/m{index}.py", index % 7),
            "write_to_model(ref('a'))",
        );
    }
    project
}

fn stubs(project: &Project) -> Vec<(String, String)> {
    let files = project
        .snapshot()
        .into_iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "sql"));
    files
        .map(|(path, (_, bytes))| {
            (
                path.display().to_string(),
                String::from_utf8(bytes).unwrap(),
            )
        })
        .collect()
}

fn leftovers(project: &Project) -> usize {
    let is_left = |path: &std::path::PathBuf| path.extension().is_some_and(|it| it == "tmp");
    project
        .snapshot()
        .keys()
        .filter(|path| is_left(path))
        .count()
}

#[test]
fn a_killed_run_leaves_only_whole_files() {
    let project = project(500);
    let whole_run = {
        let start = Instant::now();
        assert!(spawn(&project, "first").wait().unwrap().success());
        start.elapsed()
    };
    let mut killed = 0;
    for round in 0..40_u32 {
        let salt = format!("round {round}");
        let mut child = spawn(&project, &salt);
        // Moments spread evenly over a run, and a little beyond.
        thread::sleep(whole_run.mul_f64(f64::from(round) / 36.0));
        let _ = child.kill();
        killed += usize::from(child.wait().unwrap().signal() == Some(9));
        let found = stubs(&project);
        assert_eq!(found.len(), 500);
        for (path, content) in &found {
            assert!(is_whole(content), "{path}: {content}");
        }
        let ignored = project.read(".dbtignore");
        assert!(ignored.starts_with("*.tmp\n# >>>") && ignored.ends_with("# <<< fal-host <<<\n"));
    }
    assert!(killed > 0, "no run was killed");
    assert!(spawn(&project, "last").wait().unwrap().success());
    assert!(
        stubs(&project)
            .iter()
            .all(|(_, content)| is_whole(content) && content.contains("last"))
    );
    let target = project.root.join("target");
    assert_eq!(
        project
            .snapshot()
            .keys()
            .filter(
                |path| !path.starts_with(&target) && path.extension().is_some_and(|it| it == "tmp")
            )
            .count(),
        0,
        "what killed runs left is gone ({} in all)",
        leftovers(&project)
    );
}

#[test]
fn runs_at_the_same_time_do_not_disturb_each_other() {
    for round in 0..6 {
        let project = project(300);
        if round % 2 == 1 {
            assert!(spawn(&project, "before").wait().unwrap().success());
            // Models of two folders are gone: the runs remove stubs and folders together.
            for index in (0..300).filter(|index| index % 7 < 2) {
                project.remove(&format!("models/d{}/m{index}.py", index % 7));
            }
        }
        let mut children: Vec<Child> = (0..3).map(|_| spawn(&project, "now")).collect();
        let ended: Vec<bool> = children
            .iter_mut()
            .map(|child| child.wait().unwrap().success())
            .collect();
        assert_eq!(ended, [true; 3]);
        let found = stubs(&project);
        assert_eq!(
            found.len(),
            if round % 2 == 1 {
                (0..300).filter(|index| index % 7 >= 2).count()
            } else {
                300
            }
        );
        assert!(
            found
                .iter()
                .all(|(_, content)| is_whole(content) && content.contains("now"))
        );
        assert_eq!(leftovers(&project), 0);
    }
}

#[test]
fn runs_with_other_options_at_the_same_time_end_with_one_of_them() {
    let project = project(300);
    let mut children: Vec<Child> = (0..4)
        .map(|index| spawn(&project, ["one", "two"][index % 2]))
        .collect();
    assert!(
        children
            .iter_mut()
            .all(|child| child.wait().unwrap().success())
    );
    assert!(stubs(&project).iter().all(|(_, content)| is_whole(content)));
    assert!(spawn(&project, "three").wait().unwrap().success());
    assert!(
        stubs(&project)
            .iter()
            .all(|(_, content)| content.contains("three"))
    );
}
