//! Tests of the end of a process that cannot be seen through the public interface.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
};

use super::*;

#[test]
fn a_process_that_has_time_to_end_can_still_be_killed() {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "cat; echo ending; exec sleep 1000"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let group = Group::spawn(fal_process::own_group(&mut command)).unwrap();
    let stdout = group.stdout().unwrap();
    let tail = Arc::new(Tail::new(1));
    let inner = Inner::new("acme", group, tail, Timeouts::default());
    thread::scope(|scope| {
        let end = scope.spawn(|| inner.end(Duration::from_secs(60)));
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line, "ending\n");
        inner.group.kill();
        assert!(
            end.join().unwrap(),
            "its time was over before it was killed"
        );
    });
    assert!(inner.group.end(Duration::ZERO).is_none());
}
