//! `write_to_model` exactly once: counted before anything runs, and enforced while it runs.

use fal_e2e::Project;
use serde_json::json;

const REFUSED: [(&str, &str); 6] = [
    ("never", "df = ref('orders')\ndf['x'] = 1\n"),
    (
        "never_called",
        "def save():\n    write_to_model(ref('orders'))\n",
    ),
    (
        "twice",
        "df = ref('orders')\nwrite_to_model(df)\n\nwrite_to_model(df.head())\n",
    ),
    (
        "on_one_path",
        "df = ref('orders')\nif len(df) > 3:\n    write_to_model(df)\nwrite_to_model(df.head())\n",
    ),
    (
        "loop",
        "df = ref('orders')\nfor part in (df, df.head()):\n    write_to_model(part)\n",
    ),
    (
        "comprehension",
        "[write_to_model(part) for part in (ref('orders'),)]\n",
    ),
];

const ALLOWED: [(&str, &str); 3] = [
    (
        "branches",
        "df = ref('orders')\nif len(df) > 1:\n    write_to_model(df)\nelse:\n    write_to_model(df.head(1))\n",
    ),
    (
        "cases",
        "df = ref('orders')\nmatch len(df):\n    case 0:\n        write_to_model(df)\n    case _:\n        write_to_model(df.head(1))\n",
    ),
    (
        "caught",
        "df = ref('orders')\ntry:\n    small = df.head(1)\nexcept ValueError:\n    write_to_model(df)\nelse:\n    write_to_model(small)\n",
    ),
];

/// The analysis sees the second call only.
const EVASION: &str = "w = globals()['write_' + 'to_model']\n\
                       w(ref('orders').head(0))\n\
                       print('wrote once')\n\
                       write_to_model(ref('orders').head(0))\n\
                       print('wrote twice')\n";

fn notebook(cells: &[&str]) -> String {
    let cells: Vec<_> = cells
        .iter()
        .map(|source| json!({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": source}))
        .collect();
    json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}).to_string()
}

fn project() -> Project {
    let project = Project::bare();
    project.write(
        "models/orders.sql",
        "select 1 as id union all select 2 order by id",
    );
    project
}

#[test]
fn models_that_write_never_twice_or_in_a_loop_are_refused_with_their_lines() {
    let project = project();
    for (name, code) in REFUSED {
        project.write(&format!("models/{name}.py"), code);
    }
    let cells = [
        "df = ref('orders')\nwrite_to_model(df)",
        "# another cell\n\nfor n in range(2):\n    write_to_model(df)",
    ];
    project.write("models/cells.ipynb", notebook(&cells));
    let ended = project.run_host("generate");
    ended.expect(2);
    insta::assert_snapshot!(ended.stderr, @r"
    write::in_loop

      × `write_to_model` is called in a loop
       ╭─[models/cells.ipynb, cell 2:4:5]
     2 │
     3 │ for n in range(2):
       · ─────────┬────────
       ·          ╰── of this loop
     4 │     write_to_model(df)
       ·     ─────────┬────────
       ·              ╰── called in every turn
       ╰────
      help: collect the data in the loop and call `write_to_model` once behind it

    write::in_loop

      × `write_to_model` is called in a loop
       ╭─[models/comprehension.py:1:2]
     1 │ [write_to_model(part) for part in (ref('orders'),)]
       · ─────────────────────────┬─────────────────────────┬
       ·                          │                         ╰── called in every turn
       ·                          ╰── of this loop
       ╰────
      help: collect the data in the loop and call `write_to_model` once behind it

    write::in_loop

      × `write_to_model` is called in a loop
       ╭─[models/loop.py:3:5]
     1 │ df = ref('orders')
     2 │ for part in (df, df.head()):
       · ──────────────┬─────────────
       ·               ╰── of this loop
     3 │     write_to_model(part)
       ·     ──────────┬─────────
       ·               ╰── called in every turn
       ╰────
      help: collect the data in the loop and call `write_to_model` once behind it

    write::never

      × this model never calls `write_to_model`
       ╭─[models/never.py:1:6]
     1 │ df = ref('orders')
       ·      ──────┬──────
       ·            ╰── makes this file a model
     2 │ df['x'] = 1
       ╰────
      help: call `write_to_model(df)` exactly once, with the data of the model's table

    write::never

      × this model never calls `write_to_model`
       ╭─[models/never_called.py:2:5]
     1 │ def save():
     2 │     write_to_model(ref('orders'))
       ·     ──────────────┬──────────────
       ·                   ╰── never reached
       ╰────
      help: call `write_to_model(df)` exactly once, with the data of the model's table

    write::twice

      × `write_to_model` is called twice on one path
       ╭─[models/on_one_path.py:4:1]
     2 │ if len(df) > 3:
     3 │     write_to_model(df)
       ·     ─────────┬────────
       ·              ╰── the first call
     4 │ write_to_model(df.head())
       · ────────────┬────────────
       ·             ╰── the second call
       ╰────
      help: a model has one table: join the data and call `write_to_model` once, or make two models

    write::twice

      × `write_to_model` is called twice on one path
       ╭─[models/twice.py:4:1]
     1 │ df = ref('orders')
     2 │ write_to_model(df)
       · ─────────┬────────
       ·          ╰── the first call
     3 │
     4 │ write_to_model(df.head())
       · ────────────┬────────────
       ·             ╰── the second call
       ╰────
      help: a model has one table: join the data and call `write_to_model` once, or make two models

    7 errors
    ");
    assert!(!project.has("models/fal"), "nothing was written");
    let check = project.run_host("check");
    assert_eq!(
        check.expect(2).stdout,
        ended.stderr,
        "`check` says the same"
    );
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn nothing_runs_while_a_model_is_refused() {
    let project = project();
    project.write("models/twice.py", REFUSED[2].1);
    let ended = project.run("run");
    ended
        .expect(2)
        .says("models/twice.py:4:1")
        .never_says("START");
    assert!(
        !project.has("shop.duckdb"),
        "the database was not even opened"
    );
    project.nothing_is_left();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn exclusive_branches_run_and_what_evades_the_count_is_caught_before_the_second_write() {
    let project = project();
    for (name, code) in ALLOWED {
        project.write(&format!("models/{name}.py"), code);
    }
    project.write("models/evades.py", "write_to_model(ref('orders'))\n");
    project.write("models/silent.py", "write_to_model(ref('orders'))\n");
    project.write(
        "models/notebook.ipynb",
        notebook(&["write_to_model(ref('orders'))"]),
    );
    project.run("run").expect(0);

    project.write("models/evades.py", EVASION);
    project.write(
        "models/silent.py",
        "if len(ref('orders')) > 99:\n    write_to_model(ref('orders'))\n",
    );
    project.write(
        "models/notebook.ipynb",
        notebook(&["df = ref('orders')", EVASION]),
    );
    let ended = project.run("run");
    ended
        .expect(1)
        .says("evades | wrote once")
        .never_says("wrote twice");
    assert_eq!(
        project.statuses_for_dbt(),
        "error: evades notebook silent; success: branches cases caught orders"
    );
    insta::assert_snapshot!(project.message("evades"), @r#"
    Traceback (most recent call last):
      File "models/evades.py", line 4, in <module>
        write_to_model(ref('orders').head(0))
    FalError: fal: write_to_model was already called at line 2
    A model writes exactly once: put the rows together, then write them.
    "#);
    insta::assert_snapshot!(project.message("notebook"), @r#"
    Traceback (most recent call last):
      File "models/notebook.ipynb", Cell 2, line 4, in <module>
        write_to_model(ref('orders').head(0))
    FalError: fal: write_to_model was already called at Cell 2, line 2
    A model writes exactly once: put the rows together, then write them.
    "#);
    insta::assert_snapshot!(project.message("silent"), @"fal: the script ended without a call of write_to_model");
    for name in ["evades", "silent", "notebook"] {
        assert_eq!(
            project.query(&format!("select count(*) from {name}")),
            json!([[2]]),
            "{name}: the old table stays"
        );
    }
    assert_eq!(project.query("select count(*) from branches"), json!([[2]]));
}
