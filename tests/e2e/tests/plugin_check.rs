//! `fal-host plugin check`: each fault of a library fails its case, and the command goes on.

use std::path::Path;

use fal_e2e::{Ended, Project, foreign_plugin, redact};
use rustix::process::Signal;
use serde_json::Value;

fn check(project: &Project, fault: &str, library: &Path, flags: &[&str]) -> Ended {
    let mut command = project.host("plugin check");
    command.arg(library).args(flags).env("ACME_FAULT", fault);
    project.finish(command)
}

/// Names of the required cases that failed, and how many were not checked.
#[track_caller]
fn failed(ended: &Ended) -> (Vec<String>, usize) {
    let report: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}\n{ended}"));
    let cases = report["cases"].as_array().unwrap();
    let failed = cases
        .iter()
        .filter(|case| case["outcome"] == "failed" && case["need"] == "required");
    let failed: Vec<_> = failed
        .map(|case| case["name"].as_str().unwrap().to_owned())
        .collect();
    let unchecked = cases
        .iter()
        .filter(|case| case["outcome"] == "skipped")
        .count();
    assert_eq!(report["ok"], failed.is_empty(), "{ended}");
    ended.expect(if failed.is_empty() { 0 } else { 2 });
    (failed, unchecked)
}

#[track_caller]
fn fails(fault: &str, case: &str, unchecked: usize, flags: &[&str]) {
    let ended = check(
        &Project::bare(),
        fault,
        &foreign_plugin("acme-misbehaves"),
        &[flags, &["--format", "json"]].concat(),
    );
    assert_eq!(
        failed(&ended),
        (vec![case.to_owned()], unchecked),
        "a plugin that {fault}\n{ended}"
    );
    assert_eq!(ended.stderr, "", "a plugin that {fault}");
}

#[test]
fn each_fault_is_the_case_that_it_belongs_to() {
    for (fault, case, unchecked) in [
        ("panics", "stub-writer/dependencies", 0),
        ("aborts", "stub-writer/dependencies", 0),
        ("exits", "stub-writer/dependencies", 0),
        ("crashes", "stub-writer/dependencies", 0),
        ("prints", "door/quiet", 0),
        ("complains", "door/quiet", 0),
        ("forgets", "stub-writer/deterministic", 0),
        ("grabs", "stub-writer/edited", 0),
        ("leaks threads", "stub-writer/no-thread-left", 0),
        ("has a bad schema", "door/config-schema", 17),
        ("refuses", "stub-writer/opens", 16),
    ] {
        fails(fault, case, unchecked, &[]);
    }
}

#[test]
fn a_plugin_that_hangs() {
    fails("hangs", "stub-writer/dependencies", 0, &["--timeout", "3"]);
}

#[test]
fn a_plugin_that_hangs_while_it_loads() {
    fails("hangs at once", "door/library", 5, &["--timeout", "3"]);
}

/// Neither Ctrl-C nor the death of the command leaves the process behind in which the plugin hangs.
#[test]
fn a_check_that_is_stopped_leaves_nothing() {
    for (signal, to_group) in [(Signal::INT, true), (Signal::KILL, false)] {
        let project = Project::bare();
        let mut command = project.host("plugin check --timeout 600");
        command
            .arg(foreign_plugin("acme-misbehaves"))
            .env("ACME_FAULT", "hangs")
            .env("ACME_HANGS", project.path("hangs"));
        let mut running = project.spawn(command);
        running.wait_until("the plugin hangs", || project.has("hangs").then_some(()));
        if to_group {
            running.signal_group(signal);
            running.wait().expect(130);
        } else {
            running.signal(signal);
            running.wait();
        }
        project.nothing_is_left();
    }
}

#[test]
fn a_slow_plugin_has_the_time_that_it_is_given() {
    fails(
        "is slow",
        "stub-writer/dependencies",
        0,
        &["--timeout", "3"],
    );
    let ended = check(
        &Project::bare(),
        "is slow",
        &foreign_plugin("acme-misbehaves"),
        &["--timeout", "60"],
    );
    ended.expect(0);
}

#[test]
fn people_read() {
    let project = Project::bare();
    let ended = check(
        &project,
        "aborts",
        &foreign_plugin("acme-misbehaves"),
        &["--stage", "stub-writer"],
    );
    insta::assert_snapshot!(redact(&ended.expect(2).stdout, &project), @r"
    acme-misbehaves 0.3.0, interface 1.2.0: stub-writer
    PLUGINS/libacme_misbehaves.so

      ok      door/library
      ok      door/interface
      ok      door/layout
      ok      door/manifest
      ok      door/config-schema
      ok      door/description
      ok      door/quiet
      ok      stub-writer/opens
      ok      stub-writer/folder
      ok      stub-writer/below-folder
      ok      stub-writer/own-file
      ok      stub-writer/no-escape
      FAILED  stub-writer/dependencies: The stub names every dependency in Jinja, also of a model with many
              but: it ended the process by signal 6 (SIGABRT)
              fix: a plugin must not end the process: no `exit`, no `abort`, no unsafe code that crashes, no endless recursion
      ok      stub-writer/own-stub
      ok      stub-writer/edited
      ok      stub-writer/foreign
      ok      stub-writer/deterministic
      ok      stub-writer/line-ends
      ok      stub-writer/ephemeral
      unmet   stub-writer/byte-for-byte (optional): Stubs are those of legacy fal, byte for byte
              but: its path is `acme/sub/model.sql`, not `fal/sub/model.sql`
              fix: see the vectors in the test kit's folder `vectors`; a project that committed its stubs then sees no difference
      ok      stub-writer/unknown-method
      ok      stub-writer/unknown-fields
      ok      stub-writer/unreadable-request
      ok      stub-writer/no-thread-left

    24 cases: 22 passed, 1 failed, 1 optional not met, 0 not checked
    ");
    let ended = check(&project, "", &foreign_plugin("acme-other-layout"), &[]);
    insta::assert_snapshot!(redact(&ended.expect(2).stdout, &project), @r"
    PLUGINS/libacme_other_layout.so

      ok      door/library
      ok      door/interface
      FAILED  door/layout: Its types have the layout of the interface
              but: the plugin `acme-other-layout` (`PLUGINS/libacme_other_layout.so`) has another binary interface: Compared <this>: --- Type Layout --- type:PrefixRef<'a, PluginRoot> size:8 align:8 package:'abi_stable' version:'0.11.3' line:392 mod:abi_stable::prefix_type::prefix_ref
              fix: let `export_plugin!` write the exports, and build with the released crate fal-plugin, unchanged
      -       door/manifest: not checked, the plugin did not load
      -       door/config-schema: not checked, the plugin did not load
      -       door/description: not checked, the plugin did not load
      ok      door/quiet

    7 cases: 3 passed, 1 failed, 0 optional not met, 3 not checked
    ");
}

#[test]
fn libraries_that_are_none_fail_at_the_door() {
    let project = Project::bare();
    project.write("libtext.so", "just text\n".repeat(100));
    for (library, case) in [
        (foreign_plugin("acme-old-interface"), "door/interface"),
        (foreign_plugin("acme-other-layout"), "door/layout"),
        (project.path("libtext.so"), "door/library"),
        (project.path("no/such.so"), "door/library"),
    ] {
        let ended = check(&project, "", &library, &["--format", "json"]);
        assert_eq!(failed(&ended).0, [case], "{}\n{ended}", library.display());
    }
    project
        .run_host("plugin check no-such-plugin")
        .expect(2)
        .says("there is no file and no plugin");
    project
        .run_host("plugin check x.so --stage stubs")
        .expect(2)
        .says("the stages are python-parser");
    let parser = check(
        &project,
        "",
        &foreign_plugin("acme-misbehaves"),
        &["--stage", "python-parser", "--format", "json"],
    );
    assert_eq!(failed(&parser).0, ["python-parser/opens"], "{parser}");
}

/// The protocol's cases pass, and every failure shows the answer.
#[test]
fn answers_that_are_no_json() {
    let ended = check(
        &Project::bare(),
        "",
        &foreign_plugin("acme-nonsense"),
        &["--format", "json"],
    );
    let (failed, _) = failed(&ended);
    assert!(
        failed.len() > 40 && failed.iter().all(|case| !case.starts_with("door/")),
        "{failed:?}"
    );
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    for case in report["cases"].as_array().unwrap() {
        let reason = case["reason"].as_str().unwrap_or_default();
        let named = reason.contains("colourless") || case["name"] == "door/description";
        assert!(case["outcome"] != "failed" || named, "{case}");
    }
}

#[test]
fn our_own_plugins_pass() {
    let project = Project::bare();
    // Cases for runners are skipped for other backends.
    for (plugin, unmet, unchecked) in [
        ("fal-python-parser", 1, 0),
        ("fal-python-parser-ruff", 0, 0),
        ("fal-notebook-parser", 0, 0),
        ("fal-stub-writer", 0, 0),
        ("fal-dbt-backend", 0, 3),
        ("fal-command-runner", 0, 0),
    ] {
        let ended = project.run_host(&["plugin", "check", plugin, "--timeout", "120"]);
        ended.expect(0).says(&format!(
            "0 failed, {unmet} optional not met, {unchecked} not checked"
        ));
    }
}
