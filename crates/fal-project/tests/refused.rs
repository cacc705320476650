//! Generating on whole projects that are wrong: each problem is named, and nothing is written.

mod support;

use std::fs;

use fal_project::GenerateError;
use support::Project;

const SCRIPT: &str = "df = ref('a')\nwrite_to_model(df)\n";

#[test]
fn a_conflict_leaves_every_byte_and_time_alone() {
    let project = Project::new(&[("models/x.py", SCRIPT), ("models/y.py", SCRIPT)]);
    project.generate();
    project.write(
        "models/fal/x.sql",
        &(project.read("models/fal/x.sql") + "-- mine\n"),
    );
    project.write("models/y.py", "write_to_model(ref('new'))");
    project.write("models/fal/z.sql", "select 1");
    project.write("models/z.py", SCRIPT);
    project.write("models/new.py", SCRIPT);
    let before = project.snapshot();
    let problems = project.refused();
    assert_eq!(before, project.snapshot());
    let messages: Vec<String> = problems
        .iter()
        .map(|found| {
            format!(
                "{} {}: {}\n  {}",
                found.code,
                found.path,
                found.message,
                found.help.as_deref().unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    stub::edited models/fal/x.sql: this generated stub of models/x.py was edited by hand, so it is left alone
      move what you changed to models/x.py or to a model of another name, then delete models/fal/x.sql: it will be generated anew
    stub::foreign models/fal/z.sql: this file is in the place of the stub of models/z.py, and fal-host did not generate it
      move or rename models/fal/z.sql, or rename models/z.py: a stub has the name of its model
    ");
    assert!(matches!(project.run(true), Err(GenerateError::Files(_))));
}

#[test]
fn all_problems_of_all_files_come_at_once_and_nothing_is_written() {
    let project = Project::new(&[
        ("models/good.py", SCRIPT),
        ("models/bad.py", "x\nSYNTAX"),
        ("models/twice.py", "write_to_model(1) TWICE"),
        ("models/warn.py", "write_to_model(1) WARN"),
        ("models/no.ipynb", "NO NOTEBOOK"),
        ("models/cell.ipynb", "x\n%%\n\nSYNTAX\n"),
    ]);
    project.write_bytes("models/latin.py", b"# \xe9");
    let before = project.snapshot();
    let problems = project.refused();
    assert_eq!(before, project.snapshot());
    let places: Vec<String> = problems
        .iter()
        .map(|found| {
            let place = found
                .place()
                .map(|(cell, at)| format!("{cell:?} {}:{}", at.line, at.column));
            format!(
                "{:?} {} {} {}",
                found.severity,
                found.path,
                found.code,
                place.unwrap_or_default()
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    insta::assert_snapshot!(places.join("\n"), @r"
    Error models/bad.py python::syntax None 2:1
    Error models/cell.ipynb python::syntax Some(2) 2:1
    Error models/latin.py python::encoding
    Error models/no.ipynb notebook::json None 1:1
    Error models/twice.py write::twice None 1:19
    Warning models/warn.py word::warn None 1:19
    ");
}

#[test]
fn one_name_for_two_models_is_an_error_that_names_both() {
    let project = Project::new(&[
        ("models/a/x.py", SCRIPT),
        ("models/b/x.ipynb", "write_to_model(1)"),
        ("models/y.py", SCRIPT),
        ("models/c/y.sql", "select 1"),
        ("models/a/__init__.py", ""),
        ("models/b/__init__.py", ""),
    ]);
    let problems = project.refused();
    let messages: Vec<_> = problems
        .iter()
        .map(|found| format!("{}: {}", found.path, found.message))
        .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    models/b/x.ipynb: the model `x` is defined twice: here and in models/a/x.py
    models/y.py: the model `y` is defined twice: here and in models/c/y.sql
    ");
}

#[test]
fn a_stub_writer_cannot_leave_its_folder() {
    for path in [
        "../x.sql",
        "/tmp/x.sql",
        "fal/../../x.sql",
        "x.sql",
        "fal/x.py",
        "fal/.x.sql",
        "fal/x\n.sql",
        "fal",
        "fal/",
    ] {
        let mut project = Project::new(&[("models/x.py", SCRIPT)]);
        project.stubs.path = Some(path);
        let before = project.snapshot();
        let error = project.run(false).unwrap_err();
        assert!(
            matches!(
                &error,
                GenerateError::Plugin {
                    stage: "stub writer",
                    ..
                }
            ),
            "{path}: {error}"
        );
        assert_eq!(before, project.snapshot());
    }
}

#[test]
fn two_models_with_one_stub_are_an_error() {
    let mut project = Project::new(&[("models/x.py", SCRIPT), ("models/y.py", SCRIPT)]);
    project.stubs.path = Some("fal/same.sql");
    assert_eq!(project.problems(), ["stub::same_path models/y.py"]);
}

#[cfg(unix)]
#[test]
fn links_are_never_written_through() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    symlink(outside.path(), project.root.join("models/fal")).unwrap();
    assert_eq!(project.problems(), ["stub::no_folder models/fal"]);
    project.remove("models/fal");
    fs::create_dir(project.root.join("models/fal")).unwrap();
    fs::write(outside.path().join("target.sql"), "select 1").unwrap();
    symlink(
        outside.path().join("target.sql"),
        project.root.join("models/fal/x.sql"),
    )
    .unwrap();
    assert_eq!(project.problems(), ["stub::foreign models/fal/x.sql"]);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn links_to_files_are_models_and_links_to_folders_are_left_to_lie() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("elsewhere/z.py", SCRIPT),
        ("elsewhere/deep/w.py", SCRIPT),
    ]);
    symlink(
        project.root.join("elsewhere/z.py"),
        project.root.join("models/z.py"),
    )
    .unwrap();
    symlink(
        project.root.join("elsewhere/deep"),
        project.root.join("models/deep"),
    )
    .unwrap();
    symlink(&project.root, project.root.join("models/loop")).unwrap();
    assert_eq!(
        project.generate().written,
        ["models/fal/x.sql", "models/fal/z.sql"]
    );
    symlink("nowhere.py", project.root.join("models/broken.py")).unwrap();
    assert_eq!(
        project.problems(),
        ["project::broken_link models/broken.py"]
    );
}

#[test]
fn a_folder_or_file_in_the_way_is_a_conflict() {
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    fs::create_dir_all(project.root.join("models/fal/x.sql")).unwrap();
    assert_eq!(project.problems(), ["stub::foreign models/fal/x.sql"]);
    fs::remove_dir_all(project.root.join("models/fal")).unwrap();
    project.write("models/fal", "a file");
    assert_eq!(project.problems(), ["stub::no_folder models/fal"]);
}

#[test]
fn a_plugin_that_fails_everywhere_is_one_error() {
    let project = Project::new(&[
        ("models/x.py", "FAIL PLUGIN"),
        ("models/y.py", "FAIL PLUGIN"),
        ("models/z.py", "SYNTAX"),
    ]);
    let error = project.run(false).unwrap_err();
    insta::assert_snapshot!(error, @"the python parser failed on models/x.py and 1 more: word-parser failed on models/x.py");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_are_errors() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    let name = |bytes| project.root.join("models").join(OsStr::from_bytes(bytes));
    fs::write(name(b"\xff.txt"), "").unwrap();
    project.generate();
    fs::write(name(b"\xff.py"), "").unwrap();
    assert_eq!(
        project.problems(),
        ["project::name_not_utf8 models/\u{fffd}.py"]
    );
}

#[cfg(unix)]
#[test]
fn names_that_no_stub_can_have_are_errors() {
    let project = Project::new(&[
        ("models/a\\b/x.py", SCRIPT),
        ("models/n\newline.py", SCRIPT),
    ]);
    let problems = project.problems();
    assert_eq!(problems.len(), 2);
    assert!(
        problems
            .iter()
            .all(|line| line.starts_with("project::odd_name ")),
        "{problems:?}"
    );
    project.write(".dbtignore", "a?b/\nn?ewline.py");
    assert!(project.generate().models.is_empty());
}

#[test]
fn a_broken_block_stops_everything() {
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        (".dbtignore", "a\n# >>> fal-host\n"),
    ]);
    assert_eq!(project.problems(), ["dbtignore::broken_block .dbtignore"]);
}
