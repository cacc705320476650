//! How commands end, and the messages about it.

use std::fs;

use serde_json::json;

use crate::stand::Stand;

#[test]
fn exit_codes_are_the_answer() {
    let stand = Stand::new(json!({}));
    stand.succeeds("pass");
    insta::assert_snapshot!(stand.fails("raise SystemExit(1)"), @r"
    the command ended with exit code 1
    The command: PYTHON -
    ");
    insta::assert_snapshot!(stand.fails("import sys; print('no gateway', file=sys.stderr); sys.exit(3)"), @r"
    the command ended with exit code 3: the model's script could not work there
    The command: PYTHON -
    Its last lines on standard error:
      no gateway
    ");
    insta::assert_snapshot!(stand.fails("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), @r"
    the command was killed by signal 9 (SIGKILL)
    The command: PYTHON -
    ");
}

#[test]
fn a_command_that_fails_is_told_with_its_last_lines() {
    let stand = Stand::new(json!({"command": ["./connect", "--as", "an other", "{name}"]}));
    stand.program(
        "connect",
        "#!/bin/sh\necho trying\nfor i in $(seq 30); do echo line $i >&2; done\nexit 255\n",
    );
    let message = stand.fails("");
    assert!(
        !message.contains("line 10\n") && message.contains("line 11\n"),
        "{message}"
    );
    let short: Vec<_> = message
        .lines()
        .filter(|line| !line.contains("line 1") && !line.contains("line 2"))
        .collect();
    insta::assert_snapshot!(short.join("\n"), @r"
    the command ended with exit code 255
    The command: ./connect --as 'an other' orders
    Its last lines on standard error:
      line 30
    ");
    stand.program(
        "connect",
        "#!/bin/sh\necho on standard output only\nexit 4\n",
    );
    assert!(stand
        .fails("")
        .ends_with("Its last lines on standard output:\n  on standard output only"));
}

#[test]
fn a_program_that_is_not_there_is_told_with_what_to_do() {
    let failure = |config| {
        let stand = Stand::new(config);
        stand
            .write("plain", "no program")
            .program("broken", "#!/there/is/none\n");
        let error = stand.run(&stand.node("", json!({}))).unwrap_err();
        let message = error
            .message
            .replace(&stand.folder.path().display().to_string(), "DIR");
        format!("{}: {message}\n  {}", error.code, error.help.unwrap())
    };
    let all = [
        failure(json!({"command": ["no-such-program", "{name}"]})),
        failure(json!({"command": ["./no-such-file"]})),
        failure(json!({"command": ["./plain"]})),
        failure(json!({"command": ["./broken"]})),
        failure(
            json!({"bundle": "file", "folder": "/there/is/none", "command": ["cat", "{script}"]}),
        ),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    command::not_found: there is no program `no-such-program` for the command: no-such-program orders
      install it, give its whole path as the first word of `command`, or put its folder on PATH; functions and aliases of a shell are no programs, and shell syntax needs `shell: true`
    command::not_found: there is no program `./no-such-file` for the command: ./no-such-file
      the first word of `command` is a file that must exist; it is looked for in the project's folder
    command::start: the command cannot be started: Permission denied (os error 13)
    The command: ./plain
      the first word of `command` must be a program that may be executed (chmod +x, a #! line)
    command::start: the command cannot be started: No such file or directory (os error 2)
    The command: ./broken
      the first word of `command` must be a program that may be executed (chmod +x, a #! line)
    command::bundle: /there/is/none cannot be written to: No such file or directory (os error 2)
      `folder` in the configuration of the command runner is where models get their folders
    "#);
}

#[test]
fn a_program_that_is_not_there_is_told_by_a_shell() {
    let message = Stand::shell("no-such-program").fails("");
    assert!(
        message
            .starts_with("the command ended with exit code 127: a program in it was not found\n"),
        "{message}"
    );
    assert!(message.contains("no-such-program: not found"), "{message}");
}

#[test]
fn a_command_may_leave_its_input_unread() {
    let script = format!("#{}\n", "x".repeat(8 << 20));
    Stand::new(json!({"command": ["true"]})).succeeds(&script);
    assert!(Stand::new(json!({"command": ["false"]}))
        .fails(&script)
        .contains("exit code 1"));
    Stand::new(json!({"command": ["sh", "-c", "exec <&-; sleep 0.1"]})).succeeds(&script);
}

#[test]
fn a_big_script_arrives_whole() {
    let stand = Stand::shell("wc -c > size");
    stand.succeeds(&"x".repeat(20 << 20));
    assert_eq!(stand.read("size").trim(), (20 << 20).to_string());
}

#[test]
fn no_zombie_and_no_open_file_is_left() {
    let stand = Stand::new(json!({"command": ["sh", "-c", "sleep 1000 & exit 0"]}));
    let open = || fs::read_dir("/proc/self/fd").unwrap().count();
    stand.succeeds("");
    let before = open();
    for _ in 0..5 {
        stand.succeeds("");
    }
    stand.close();
    assert!(open() <= before, "{} files, then {}", before, open());
    let mine = std::process::id().to_string();
    let children = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit(')').next().unwrap_or_default().to_owned();
        after.split_whitespace().nth(1) == Some(&mine) && stat.contains("(sh)")
    });
    assert_eq!(children.count(), 0);
}
