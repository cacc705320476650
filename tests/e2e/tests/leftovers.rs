//! After processes are killed, no process stays, and the next run removes their folders.

#![cfg(target_os = "linux")]

use std::{fs, path::PathBuf, time::Duration};

use fal_e2e::{Project, Running, wait_until};
use rustix::process::{Pid, Signal, kill_process};

/// Time for the processes that clean up after the host.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a program that has left its session and has nothing of fal-host's in its environment, then waits.
const DETACHES: &str = "import os, subprocess, time\n\
    child = subprocess.Popen(['/bin/sleep', '7781'], env={}, start_new_session=True)\n\
    print(f'child {child.pid} zygote {os.getppid()}', flush=True)\n\
    time.sleep(600)\nwrite_to_model(ref('orders'))\n";

fn project() -> Project {
    let project = Project::bare();
    project
        .write("models/orders.sql", "select 1 as id")
        .write("models/detaches.py", DETACHES);
    fs::create_dir_all(temporary(&project)).unwrap();
    project
}

/// The folder for temporary files of the runs of a project.
fn temporary(project: &Project) -> PathBuf {
    project.home().join("t")
}

fn start(project: &Project) -> Running {
    let mut command = project.host_with_dbt("run");
    command.env("TMPDIR", temporary(project));
    project.spawn(command)
}

fn run_folders(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(temporary(project))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("fal-")
        })
        .collect()
}

/// The numbers that the model printed.
fn printed(running: &Running) -> (i32, i32) {
    running.wait_for("detaches | child ");
    let line = running.wait_until("the whole line is there", || {
        let said = running.said();
        let (_, rest) = said.split_once("detaches | child ")?;
        rest.split_once('\n').map(|(line, _)| line.to_owned())
    });
    let (child, zygote) = line.split_once(" zygote ").unwrap();
    (child.parse().unwrap(), zygote.parse().unwrap())
}

fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn ends(pid: i32) {
    assert!(
        wait_until(PATIENCE, || (!is_alive(pid)).then_some(())).is_some(),
        "process {pid} lives on"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_zygote_that_is_killed_takes_all_that_its_models_started_with_it() {
    let project = project();
    let running = start(&project);
    let (child, zygote) = printed(&running);
    assert!(is_alive(child));
    kill(zygote, Signal::KILL);
    let ended = running.wait();
    ended.expect(1).says("killed by signal 9 (SIGKILL)");
    ends(child);
    assert_eq!(run_folders(&project), [] as [PathBuf; 0]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_host_and_a_zygote_that_are_killed_leave_nothing_running() {
    let project = project();
    let mut running = start(&project);
    let (child, zygote) = printed(&running);
    running.signal(Signal::STOP);
    kill(zygote, Signal::KILL);
    running.signal(Signal::KILL);
    running.wait();
    ends(child);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_host_that_is_killed_leaves_no_folder() {
    for signals in [
        &[Signal::KILL] as &[Signal],
        &[Signal::QUIT],
        &[Signal::INT, Signal::INT],
    ] {
        let project = project();
        let mut running = start(&project);
        let (child, _) = printed(&running);
        assert_eq!(run_folders(&project).len(), 1);
        for signal in signals {
            running.signal(*signal);
        }
        running.wait();
        let gone = wait_until(PATIENCE, || run_folders(&project).is_empty().then_some(()));
        assert!(
            gone.is_some(),
            "after {signals:?}: {:?}",
            run_folders(&project)
        );
        ends(child);
    }
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_later_run_removes_the_folder_that_nobody_could_remove() {
    let project = project();
    let mut running = start(&project);
    printed(&running);
    let session = children(running.pid()).into_iter().find(|pid| {
        fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.contains("fal_worker.engine"))
    });
    // Neither process notices the end of the other.
    running.signal(Signal::STOP);
    kill(session.unwrap(), Signal::KILL);
    running.signal(Signal::KILL);
    running.wait();
    let abandoned = run_folders(&project);
    assert_eq!(abandoned.len(), 1);

    let beside = start(&project);
    beside.wait_for("detaches | child ");
    let (child, _) = printed(&beside);
    let folders = run_folders(&project);
    assert!(
        folders.len() == 1 && folders != abandoned,
        "the abandoned folder is gone: {folders:?}"
    );
    // The folder of a run that goes on stays.
    let mut third = project.host_with_dbt("ls");
    third.env("TMPDIR", temporary(&project));
    project.finish(third).expect(0);
    assert_eq!(run_folders(&project), folders);
    drop(beside);
    ends(child);
}

fn children(parent: u32) -> Vec<i32> {
    let parent = parent.to_string();
    let entries = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let of_parent = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| rest.split_whitespace().nth(1) == Some(&parent))
    };
    entries.filter(of_parent).collect()
}
