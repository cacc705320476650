//! Misbehaving models harm only themselves.

use fal_e2e::Project;
use serde_json::json;

use crate::both_warehouses::{MISBEHAVING, assert_same_on_postgres};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn models_that_misbehave_harm_only_themselves() {
    let project = Project::copy_of("misbehaving");
    // What stood in these tables before stays when the model fails.
    let fails = [
        "fails_late",
        "exits",
        "system_exit",
        "recursion",
        "segfault",
    ];
    let codes = fails.map(|name| project.read(&format!("models/{name}.py")));
    for name in fails {
        project.write(
            &format!("models/{name}.py"),
            "write_to_model(ref('orders'))\n",
        );
    }
    let mut select = vec!["run", "--select", "orders"];
    select.extend(fails);
    project.run(&select).expect(0);
    for (name, code) in fails.iter().zip(codes) {
        project.write(&format!("models/{name}.py"), code);
    }

    let ended = project.run("run --threads 4");
    ended.expect(1);
    let left = project.survivors(std::time::Duration::ZERO);
    assert!(
        left.is_empty(),
        "processes are left at the end of the run: {left:#?}"
    );
    assert_eq!(
        project.statuses_for_dbt(),
        "error: exits fails_late recursion segfault system_exit; skipped: \
         below_segfault; success: below_healthy chatty chdir children healthy \
         healthy_late orders patched threads unrelated"
    );
    for name in fails {
        assert_eq!(
            project.query(&format!("select id from {name}")),
            json!([[1]]),
            "{name}: the old table stays"
        );
    }
    for name in [
        "chatty",
        "chdir",
        "children",
        "patched",
        "threads",
        "healthy",
        "healthy_late",
    ] {
        assert_eq!(
            project.query(&format!("select id from {name}")),
            json!([[1]]),
            "{name}"
        );
    }

    let crash = project.message("segfault");
    assert!(
        crash.starts_with("the model's process was killed by signal 11 (SIGSEGV)"),
        "{crash}"
    );
    insta::assert_snapshot!(project.message("exits"), @"the model's process ended with exit code 0 before the model was done (os._exit ends a process like that)");
    insta::assert_snapshot!(project.message("system_exit"), @"fal: the script ended without a call of write_to_model");
    let recursion = project.message("recursion");
    assert!(
        recursion.contains("models/recursion.py\", line 2, in again")
            && recursion.contains("RecursionError"),
        "{recursion}"
    );
    assert!(
        recursion.lines().count() < 12,
        "a long traceback is cut: {recursion}"
    );
    insta::assert_snapshot!(project.message("fails_late"), @r#"
    Traceback (most recent call last):
      File "models/fails_late.py", line 2, in <module>
        raise RuntimeError("after the write")
    RuntimeError: after the write
    "#);

    // All output of the chatty model came through, under its name.
    ended
        .says("healthy | working in project, 1 thread")
        .says("healthy | pandas is itself")
        .says("chatty | chatty is done");
    let printed = ended
        .stdout
        .lines()
        .filter(|line| line.contains("  chatty | xxx"))
        .count();
    assert_eq!(printed, 50_000);
    ended.says("segfault | about to crash");
    assert_same_on_postgres(&MISBEHAVING, &project, &[project.results()]);
}

const DEAF: &str = "\
import os, time
frame = ref('orders')
os.closerange(3, 4096)
time.sleep(600)
write_to_model(frame)
";

const NONSENSE: &str = r#"
import os, stat, time
for fd in range(3, 100):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode):
            os.write(fd, b'{"ok": nonsense}\n')
    except OSError:
        pass
time.sleep(600)
write_to_model(ref('orders'))
"#;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn texts_of_any_length_and_answers_of_any_kind_end_the_model() {
    let project = Project::bare();
    project.write("models/orders.sql", "select 1 as id");
    let models = [
        (
            "long_error",
            "write_to_model(ref('orders'))\nraise ValueError('begin' + 'x' * 9_000_000 + 'end')\n",
        ),
        (
            "long_query",
            r#"write_to_model(execute_sql("select '" + "x" * 200_000 + "'::int as nope"))"#,
        ),
        ("deaf", DEAF),
        ("nonsense", NONSENSE),
        ("well", "write_to_model(ref('orders'))\n"),
    ];
    for (name, code) in models {
        project.write(&format!("models/{name}.py"), code);
    }
    let ended = project.run("run --threads 4");
    ended.expect(1);
    let left = project.survivors(std::time::Duration::ZERO);
    assert!(
        left.is_empty(),
        "processes are left at the end of the run: {left:#?}"
    );
    assert_eq!(
        project.statuses(),
        "error: deaf long_error long_query nonsense; success: orders well"
    );
    let long = project.message("long_error");
    assert!(
        long.contains("ValueError: beginxxx") && long.ends_with("xxxend") && long.len() < 101_000,
        "{}",
        long.len()
    );
    assert!(long.contains("characters left out"), "{}", long.len());
    let query = project.message("long_query");
    assert!(
        query.contains("Conversion Error") && query.len() < 101_000,
        "{query}"
    );
    insta::assert_snapshot!(project.message("deaf"), @"the model's process was ended: it closed its connection to fal-host (os.closerange does that) and went on without it");
    let nonsense = project.message("nonsense");
    assert!(
        nonsense.starts_with("the answer of the model's process cannot be read: "),
        "{nonsense}"
    );
    ended.says("characters left out; run_results.json has all of it ...]");
    assert!(
        ended.stdout.len() < 60_000,
        "{} bytes on the terminal",
        ended.stdout.len()
    );
}
