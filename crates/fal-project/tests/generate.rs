//! Generating on whole projects: what is written and what is left alone (`refused.rs`: what is
//! refused).

mod support;

use std::fs;

use fal_plugin::payload::FileKind;
use support::Project;

const SCRIPT: &str = "df = ref('a')\nwrite_to_model(df)\n";

#[test]
fn scripts_and_notebooks_get_stubs_and_dbt_is_kept_from_scripts() {
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("models/a/b.py", "write_to_model(1)"),
        (
            "models/note.ipynb",
            "import x\n%%\nwrite_to_model(ref('x'))\n",
        ),
        ("models/native.py", "def model(dbt, session): ..."),
        ("models/helper.py", "x = 1"),
        ("models/sql.sql", "select 1"),
        ("models/.hidden/h.py", SCRIPT),
        ("models/__pycache__/c.py", SCRIPT),
        ("models/.ipynb_checkpoints/n.ipynb", "write_to_model(1)"),
    ]);
    let generated = project.generate();
    assert_eq!(
        generated.written,
        [
            "models/fal/a/b.sql",
            "models/fal/note.sql",
            "models/fal/x.sql"
        ]
    );
    let models: Vec<_> = generated
        .models
        .iter()
        .map(|model| (model.name.as_str(), model.kind, model.stub_path.as_deref()))
        .collect();
    assert_eq!(
        models,
        [
            ("b", FileKind::Script, Some("models/fal/a/b.sql")),
            ("native", FileKind::DbtNative, None),
            ("note", FileKind::Script, Some("models/fal/note.sql")),
            ("x", FileKind::Script, Some("models/fal/x.sql")),
        ]
    );
    assert_eq!(generated.helpers, ["models/helper.py"]);
    insta::assert_snapshot!(project.read(".dbtignore"), @r"
    # >>> fal-host: Python files that dbt must not read (generated, do not edit) >>>
    /models/a/b.py
    /models/helper.py
    /models/x.py
    # <<< fal-host <<<
    ");
    assert!(project.read("models/fal/x.sql").contains("ref('a')"));
}

#[test]
fn a_second_run_touches_nothing_and_parses_nothing() {
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("models/y.ipynb", "write_to_model(1)"),
    ]);
    project.age();
    project.generate();
    project.calls();
    let before = project.snapshot();
    let generated = project.generate();
    assert!(!generated.is_changed());
    assert_eq!((generated.unchanged, project.calls()), (2, 0));
    // Stubs that were just written are compared again, so the cache may be renewed: nothing else.
    let after = project.snapshot();
    let differs = |path: &&std::path::PathBuf| before.get(*path) != after.get(*path);
    let changed: Vec<_> = after
        .keys()
        .filter(differs)
        .filter(|path| !path.starts_with(project.root.join("target")))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert_eq!(before.len(), after.len());
    project.age();
    project.generate();
    let before = project.snapshot();
    project.generate();
    assert_eq!(before, project.snapshot());
}

#[test]
fn a_changed_dependency_renews_the_stub_and_a_changed_comment_does_not() {
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    project.generate();
    project.write("models/x.py", &format!("{SCRIPT}# comment\n"));
    let generated = project.generate();
    assert_eq!((generated.written.len(), generated.unchanged), (0, 1));
    project.write("models/x.py", "ref('b'), write_to_model(1)");
    assert_eq!(project.generate().written, ["models/fal/x.sql"]);
    assert!(project.read("models/fal/x.sql").contains("ref('b')"));
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let project = Project::new(&[("models/x.py", "ref('a'), write_to_model(1)")]);
    project.generate();
    let path = project.root.join("models/x.py");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    project.write("models/x.py", "ref('b'), write_to_model(1)");
    fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    project.generate();
    assert!(project.read("models/fal/x.sql").contains("ref('b')"));
}

#[test]
fn options_of_a_plugin_renew_what_was_cached() {
    let mut project = Project::new(&[("models/x.py", SCRIPT)]);
    project.generate();
    project.stubs.salt = "limit 1";
    assert_eq!(project.generate().written, ["models/fal/x.sql"]);
    assert!(project.read("models/fal/x.sql").contains("limit 1"));
}

#[test]
fn a_cache_that_is_damaged_is_as_none() {
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    project.generate();
    let cache = project.root.join("target/fal/analysis.bin");
    let whole = fs::read(&cache).unwrap();
    for length in [0, 5, 30, whole.len() / 2, whole.len() - 1] {
        fs::write(&cache, &whole[..length]).unwrap();
        assert_eq!(project.generate().unchanged, 1);
    }
    for at in (0..whole.len()).step_by(7) {
        let mut bent = whole.clone();
        bent[at] ^= 0x55;
        fs::write(&cache, bent).unwrap();
        assert_eq!(project.generate().unchanged, 1);
    }
}

#[test]
fn stubs_of_models_that_are_gone_go_with_their_folders() {
    let project = Project::new(&[("models/a/b/x.py", SCRIPT), ("models/y.py", SCRIPT)]);
    project.generate();
    project.remove("models/a/b/x.py");
    assert_eq!(project.generate().removed, ["models/fal/a/b/x.sql"]);
    assert!(!project.exists("models/fal/a") && project.exists("models/fal/y.sql"));
    project.remove("models/y.py");
    project.generate();
    assert!(!project.exists("models/fal") && !project.exists(".dbtignore"));
}

#[test]
fn an_edited_orphan_stays_with_a_warning_and_a_users_file_without() {
    let project = Project::new(&[("models/x.py", SCRIPT), ("models/fal/mine.sql", "select 1")]);
    project.generate();
    project.remove("models/x.py");
    project.write(
        "models/fal/x.sql",
        &(project.read("models/fal/x.sql") + "-- mine\n"),
    );
    let generated = project.generate();
    assert_eq!(generated.removed, Vec::<String>::new());
    let codes: Vec<_> = generated
        .warnings
        .iter()
        .map(|found| (found.code.as_str(), found.path.as_str()))
        .collect();
    assert_eq!(codes, [("stub::edited_orphan", "models/fal/x.sql")]);
    assert!(project.exists("models/fal/x.sql") && project.exists("models/fal/mine.sql"));
}

#[test]
fn wrong_files_keep_their_stubs_and_the_others_get_theirs() {
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("models/y.py", SCRIPT),
        ("models/e.py", SCRIPT),
    ]);
    project.generate();
    let (of_x, of_e) = (
        project.read("models/fal/x.sql"),
        project.read("models/fal/e.sql") + "-- mine\n",
    );
    project.write("models/x.py", "SYNTAX");
    project.write("models/fal/e.sql", &of_e);
    project.write("models/y.py", "write_to_model(ref('new'))");
    project.write("models/new.py", SCRIPT);
    project.write("models/never.py", "SYNTAX");
    project.write("models/fal/z.sql", "select 1");
    project.write("models/z.py", SCRIPT);
    let generated = project.keep_going();
    assert_eq!(
        generated.written,
        ["models/fal/new.sql", "models/fal/y.sql"]
    );
    let wrong: Vec<_> = generated
        .wrong
        .iter()
        .map(|file| (file.path.as_str(), file.name.as_str()))
        .collect();
    assert_eq!(
        wrong,
        [
            ("models/e.py", "e"),
            ("models/never.py", "never"),
            ("models/x.py", "x"),
            ("models/z.py", "z")
        ]
    );
    let models: Vec<_> = generated
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(
        models,
        ["e", "new", "x", "y", "z"],
        "dbt does not know never.py"
    );
    assert_eq!(
        (
            project.read("models/fal/x.sql"),
            project.read("models/fal/e.sql")
        ),
        (of_x, of_e)
    );
    assert_eq!(project.read("models/fal/z.sql"), "select 1");
    assert!(
        project.read(".dbtignore").contains("/models/never.py"),
        "dbt reads no file that makes no sense"
    );
    project.write("models/x.py", SCRIPT);
    let again = project.keep_going();
    assert!(
        again.wrong.iter().all(|file| file.name != "x"),
        "what was wrong is not remembered"
    );
}

#[test]
fn warnings_come_with_their_text_from_the_cache_too() {
    let project = Project::new(&[("models/warn.py", "write_to_model(1) WARN")]);
    project.age();
    let first = project.generate().warnings;
    assert_eq!(first[0].excerpts[0].source, "write_to_model(1) WARN");
    project.calls();
    assert_eq!(project.generate().warnings, first);
    assert_eq!(project.calls(), 0);
}

#[test]
fn what_the_user_hides_from_dbt_is_no_model() {
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("models/old/y.py", "SYNTAX"),
        (".dbtignore", "models/old/\n*.tmp"),
    ]);
    let generated = project.generate();
    assert_eq!(generated.models.len(), 1);
    assert!(
        project
            .read(".dbtignore")
            .starts_with("models/old/\n*.tmp\n# >>> fal-host")
    );
    project.remove("models/x.py");
    project.generate();
    assert_eq!(project.read(".dbtignore"), "models/old/\n*.tmp");
}

#[test]
fn folders_outside_the_model_paths_have_their_stubs_in_the_first() {
    let project = Project::new(&[("fal_models/a/x.py", SCRIPT), ("models/m.sql", "select 1")]);
    project.write(
        "dbt_project.yml",
        "name: test\nvars:\n  fal-models-paths: [fal_models]\n",
    );
    assert_eq!(project.generate().written, ["models/fal/a/x.sql"]);
    assert!(
        !project.exists(".dbtignore"),
        "dbt does not read that folder"
    );
}

#[test]
fn check_says_what_would_change_and_changes_nothing() {
    let project = Project::new(&[("models/x.py", SCRIPT), ("models/old.py", SCRIPT)]);
    project.generate();
    project.remove("models/old.py");
    project.write("models/new.py", SCRIPT);
    let before = project.snapshot();
    let generated = project.run(true).unwrap();
    assert_eq!(before, project.snapshot());
    assert_eq!(
        (generated.written, generated.removed),
        (
            vec!["models/fal/new.sql".into()],
            vec!["models/fal/old.sql".into()]
        )
    );
    assert_eq!(
        (generated.unchanged, generated.dbtignore_changed),
        (1, true)
    );
    project.generate();
    assert!(!project.run(true).unwrap().is_changed());
}

#[test]
fn a_stub_whose_line_ends_git_changed_is_right() {
    let project = Project::new(&[("models/x.py", SCRIPT)]);
    project.generate();
    let crlf = project.read("models/fal/x.sql").replace('\n', "\r\n");
    project.write("models/fal/x.sql", &crlf);
    assert!(!project.generate().is_changed());
    project.write("models/x.py", "write_to_model(2)");
    assert_eq!(project.generate().written.len(), 1, "and it may be renewed");
}

/// The stub writer says that it is still ours; then the host leaves it as the formatter left it.
#[test]
fn a_stub_that_a_formatter_changed_is_current_until_its_content_changes() {
    let mut project = Project::new(&[("models/x.py", SCRIPT)]);
    project.generate();
    let formatted = project
        .read("models/fal/x.sql")
        .to_uppercase()
        .replace(' ', "\n  ");
    project.write("models/fal/x.sql", &formatted);
    project.stubs.ours = vec![formatted.clone()];
    assert!(!project.run(true).unwrap().is_changed());
    assert_eq!(project.generate().unchanged, 1);
    assert_eq!(project.read("models/fal/x.sql"), formatted);
    project.write("models/x.py", "df = ref('other')\nwrite_to_model(df)\n");
    assert_eq!(project.generate().written, ["models/fal/x.sql"]);
    assert!(project.read("models/fal/x.sql").contains("-- ref('other')"));
}

#[test]
fn a_model_among_the_stubs_is_warned_of() {
    let project = Project::new(&[("models/fal/x.py", SCRIPT)]);
    let generated = project.generate();
    assert!(generated.models.is_empty());
    assert_eq!(generated.warnings[0].code, "project::model_among_stubs");
}

#[test]
fn a_project_without_models_is_none_the_worse() {
    let project = Project::new(&[]);
    let generated = project.generate();
    assert!(!generated.is_changed() && generated.models.is_empty());
    assert!(!project.exists("models") && !project.exists(".dbtignore"));
}

#[test]
fn a_file_that_a_schema_file_names_as_a_script_is_no_model() {
    let schema = "models:\n- name: x\n  meta: {fal: {scripts: [models/tell.py, models/load.ipynb], pre-hook: models/pre.py}}\n";
    let project = Project::new(&[
        ("models/x.py", SCRIPT),
        ("models/deep/schema.yml", schema),
        (
            "models/tell.py",
            "write_to_model(ref('x'))\nwrite_to_model(ref('x'))\n",
        ),
        ("models/pre.py", "print(ref('a'))\n"),
        ("models/load.ipynb", "write_to_model(1)"),
    ]);
    let generated = project.generate();
    assert_eq!(generated.written, ["models/fal/x.sql"]);
    assert_eq!(
        generated.helpers,
        ["models/load.ipynb", "models/pre.py", "models/tell.py"]
    );
    assert!(
        project
            .read(".dbtignore")
            .contains("\n/models/pre.py\n/models/tell.py\n")
    );
    assert!(!project.generate().is_changed());
    // What the cache knows of the file itself still holds when it is a script no more.
    project.remove("models/deep/schema.yml");
    assert_eq!(
        project.generate().written,
        ["models/fal/load.sql", "models/fal/tell.sql"]
    );
}
