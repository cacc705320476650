//! Flags of dbt and of fal, and dbt's environment variables, in a run.

use fal_e2e::{Args, Ended, Project, redact};
use serde_json::json;

/// A copy of the project that was run in `prod`, with the artifacts of that run in `state`.
fn run_in_prod() -> Project {
    let project = Project::copy_of("flags");
    project.run("run --target prod").expect(0);
    keep_state(&project);
    project
}

fn keep_state(project: &Project) {
    project.write("state/manifest.json", project.read("target/manifest.json"));
}

fn with_env(project: &Project, variables: &[(&str, &str)], args: impl Args) -> Ended {
    let mut command = project.host_with_dbt(args);
    command.envs(variables.iter().copied());
    project.finish(command)
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn what_is_not_built_here_is_read_from_the_deferred_state() {
    let project = run_in_prod();
    let run = |flags: &str| project.run(format!("run {flags} --select total report note"));

    run("--state state").expect(1).says("raw");
    run("--defer --state state --no-defer")
        .expect(1)
        .says("raw");
    run("--defer --state state").expect(0);
    let from_prod = json!([["prod", "prod"]]);
    assert_eq!(
        project.query("from main.total"),
        from_prod,
        "SQL and Python models were read in prod"
    );
    assert_eq!(
        project.query("from main.report"),
        json!([["prod"]]),
        "a Python model was read in prod by SQL"
    );
    assert_eq!(
        project.query("select origin from main.note"),
        json!([["prod"]]),
        "a notebook reads as scripts do"
    );
    let tables =
        "select table_name from information_schema.tables where table_schema = 'main' order by 1";
    assert_eq!(
        project.query(tables),
        json!([["note"], ["report"], ["total"]]),
        "no more was built here"
    );

    // What is built here is read here, also when it was built a moment ago.
    run("--defer --state state --select score").expect(0);
    assert_eq!(
        project.query("from main.total"),
        json!([["prod", "prod"]]),
        "score itself was read from prod's raw"
    );
    project
        .run("run --select raw score total --defer --state state")
        .expect(0);
    assert_eq!(project.query("from main.total"), json!([["dev", "dev"]]));

    with_env(
        &project,
        &[("DBT_DEFER", "1"), ("DBT_STATE", "state")],
        "run --favor-state --select total",
    )
    .expect(0);
    assert_eq!(
        project.query("from main.total"),
        from_prod,
        "the state is favoured over what is built here"
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn deferring_without_a_state_is_an_error() {
    let project = Project::copy_of("flags");
    project
        .run("run --defer")
        .expect(2)
        .says("--state or --defer-state are required for deferral");
    let ended = project.run("ls --select state:modified");
    insta::assert_snapshot!(redact(&ended.expect(2).stderr, &project), @r"
    error: selecting 'state:modified' failed [selection::invalid]
      caused by: `state:modified` compares with the manifest.json of an earlier run: name the folder that has it, --state DIR
    ");
    project
        .run("run --select raw state:new+")
        .expect(2)
        .says("name the folder");
    project
        .run("ls --select state:modified --state models")
        .expect(2)
        .says("name the folder");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn state_modified_sees_changed_python_code() {
    let project = run_in_prod();
    let names = |expression: &str| {
        let list = format!("ls --output name --state state --select {expression}");
        let listed = project.run(&*list).expect(0).stdout.clone();
        listed.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("state:modified"), "");

    let ran = project
        .read("models/note.ipynb")
        .replace("\"execution_count\": null", "\"execution_count\": 7");
    project.write("models/note.ipynb", ran.replace("A note", "Another note"));
    project.write(
        "models/score.py",
        project.read("models/score.py").replace("* 2", "* 3"),
    );
    assert_eq!(
        names("state:modified"),
        "score",
        "a notebook that was executed is the same model"
    );
    assert_eq!(names("state:modified+"), "report score total");
    assert_eq!(names("state:unmodified"), "note raw report total");
    assert_eq!(names("1+state:modified.body,raw"), "raw");
    project
        .run("run --select state:modified+ --defer --state state")
        .expect(0);
    assert_eq!(project.query("select score from main.score"), json!([[3]]));

    project.write(
        "models/note.ipynb",
        ran.replace("write_to_model(rows)", "write_to_model(rows.head())"),
    );
    project.write("models/fresh.py", "write_to_model(ref('raw'))\n");
    assert_eq!(names("state:modified"), "fresh note score");
    assert_eq!(names("state:new"), "fresh");
    assert_eq!(names("state:modified,note.ipynb score.py"), "note score");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_state_of_plain_dbt_does_not_tell_of_python_code_and_this_is_said() {
    let project = Project::copy_of("flags");
    project.run_host("generate").expect(0);
    project.dbt("parse").expect(0);
    keep_state(&project);
    project.write(
        "models/score.py",
        project.read("models/score.py").replace("* 2", "* 3"),
    );
    let list = "ls --output name --state state --select state:modified";
    let ended = project.run(list);
    assert_eq!(ended.expect(0).stdout, "");
    ended.says("written by dbt alone");
    project.write(
        "models/score.py",
        "rows = ref('report')\nwrite_to_model(rows)\n",
    );
    project.write("models/report.sql", "select 1 as one");
    assert_eq!(
        project.run(list).expect(0).stdout,
        "report\nscore\n",
        "its stub changed"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_line_of_the_forerunner_runs() {
    let project = Project::copy_of("flags");
    let ended = project.run(
        "--disable-logging --vars 'size: 5' --experimental-threads 1 --target prod \
         flow run --experimental-flow --experimental-models --target dev --models +total unknown",
    );
    ended
        .expect(0)
        .never_says("unknown")
        .never_says("stub")
        .says("total");
    assert_eq!(
        project.query("select origin, size from main.raw"),
        json!([["dev", 5]])
    );
    assert_eq!(
        project.json("target/run_results.json")["args"]["threads"],
        json!(1)
    );
    let loud = project.run("run --models raw unknown");
    loud.expect(0).says("'unknown' does not match");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn environment_variables_of_dbt_take_effect() {
    let project = Project::copy_of("flags");
    project
        .write("settings/profiles.yml", project.read("profiles.yml"))
        .remove("profiles.yml");
    let variables = [
        ("DBT_PROFILES_DIR", "settings"),
        ("DBT_TARGET", "prod"),
        ("DBT_TARGET_PATH", "out"),
        ("DBT_LOG_PATH", "logs_here"),
        ("DBT_LOG_FORMAT", "json"),
        ("DBT_LOG_LEVEL", "debug"),
        ("DBT_USE_COLORS", "true"),
        ("DBT_SINGLE_THREADED", "true"),
        ("DBT_WARN_ERROR", "false"),
        ("DBT_PARTIAL_PARSE", "false"),
        ("DBT_FULL_REFRESH", "true"),
        ("DBT_QUIET", "true"),
        ("DBT_PRINT", "false"),
    ];
    let ended = with_env(&project, &variables, &["run"]);
    ended.expect(0);
    assert!(
        project.has("out/run_results.json") && !project.has("target/run_results.json"),
        "{ended}"
    );
    assert_eq!(project.query("from prod.total"), json!([["prod", "prod"]]));
    with_env(&project, &variables, "run --target dev --select raw").expect(0);
    assert_eq!(
        project.query("select origin from main.raw"),
        json!([["dev"]]),
        "a flag beats a variable"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn dbt_s_variable_for_fail_fast_ends_a_run_in_order() {
    let project = Project::copy_of("flags");
    project.write("models/raw.sql", "select no_such_column as size");
    project.write("models/slow.sql", "select 1 as one");
    let ended = with_env(&project, &[("DBT_FAIL_FAST", "true")], "run --threads 1");
    ended.expect(1);
    let results = project.results();
    assert!(
        results.contains(&"raw error".to_owned()),
        "{results:?}\n{ended}"
    );
    assert!(
        results.contains(&"total skipped".to_owned()),
        "{results:?}\n{ended}"
    );
    project.nothing_is_left();
}

#[test]
fn mistakes_in_flags_end_with_code_2_and_the_nearest_name() {
    let project = Project::bare();
    let output = |args: &[&str]| {
        let ended = project.run_host(args);
        assert_eq!(ended.expect(2).stdout, "");
        ended.stderr
    };
    insta::assert_snapshot!(output(&["--tarket", "dev", "flow", "run"]), @r"
    error: there is no flag `--tarket`
    help: did you mean `--target`?
    ");
    insta::assert_snapshot!(output(&["run", "--experimental-threads", "none"]), @r"
    error: `none` is no value for `--experimental-threads`: invalid digit found in string
    help: `fal-host --help` shows all commands and flags
    ");
    insta::assert_snapshot!(output(&["rnu"]), @r"
    error: there is no command `rnu`
    help: did you mean `run`?
    ");
    let ended = project.run_host("rnu --log-format json");
    let event: serde_json::Value = serde_json::from_str(&ended.expect(2).stdout).unwrap();
    assert_eq!(event["data"]["message"], "there is no command `rnu`");
    assert_eq!(event["data"]["help"], "did you mean `run`?");
    assert_eq!(ended.stderr, "");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn scripts_are_selected_with_operators_and_methods_of_dbt() {
    let project = Project::copy_of("scripts");
    project.run("ls").expect(0);
    keep_state(&project);
    project.write(
        "models/orders.sql",
        project.read("models/orders.sql") + "\n-- changed",
    );
    let names = |words: &str| {
        let listed = project.run(format!("ls --output name --state state {words}"));
        let mut names: Vec<String> = listed
            .expect(0)
            .stdout
            .lines()
            .map(|name| name.replace("script.", ""))
            .collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(
        names("--select 1+state:modified"),
        "orders orders.BEFORE.load.py orders.BEFORE.more.py raw",
        "an after-script has no children, as in fal"
    );
    assert_eq!(
        names("--select state:modified+,load.py tell.py"),
        "orders.AFTER.tell.py raw.AFTER.tell.py",
        "a before-script has no parents, as in fal"
    );
    assert_eq!(
        names("--select 'script.orders , customers' --exclude more.py+"),
        "customers orders.BEFORE.load.py"
    );
    let ran = project.run("run --select load.py+1,orders 1+orders,script.orders --exclude more.py");
    ran.expect(1).says("1 of 2").says("load.py (before orders)");
}
