//! The end of a process, where it cannot be seen through the door.

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
    group::alone(&mut command);
    let mut child = command.spawn().unwrap();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
    let inner = Inner::new("acme", child, stdin, Arc::default(), Timeouts::default());
    thread::scope(|scope| {
        let end = scope.spawn(|| inner.end(Duration::from_secs(60)));
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert_eq!(line, "ending\n");
        inner.kill();
        assert!(
            end.join().unwrap(),
            "its time was over before it was killed"
        );
    });
    assert!(*inner.reaped.lock());
}
