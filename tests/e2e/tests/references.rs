//! References that lead nowhere, and circles: shown at the user's line or cell, by `check` as well as by `run`.

use fal_e2e::Project;

fn notebook(source: &str) -> String {
    serde_json::json!({
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "p"}},
        "cells": [
            {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": null, "source": "import os"},
            {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": null, "source": source},
        ],
    })
    .to_string()
}

fn project() -> Project {
    let project = Project::bare();
    project.write("models/trips.sql", "select 1 as id");
    project.write("seeds/zones.csv", "id\n1\n");
    project.write("snapshots/snap.sql", "{% snapshot kept %}{{ config(unique_key='id', strategy='check', check_cols='all') }}select 1 as id{% endsnapshot %}");
    project.write(
        "models/s.yml",
        "sources:\n- {name: raw, tables: [{name: orders}]}\n",
    );
    project
}

#[test]
fn check_knows_the_names_of_the_project_s_files() {
    let project = project();
    project.write(
        "models/off.sql",
        "{{ config(enabled=false) }} select 1 as id",
    );
    project.write(
        "models/fine.py",
        "frames = [ref('trips'), ref('zones'), ref('kept'), ref('people', version=1), source('raw', 'orders')]\nwrite_to_model(frames[0])\n",
    );
    project.write("models/people_v1.sql", "select 1 as id");
    project.write(
        "models/people.yml",
        "models:\n- {name: people, versions: [{v: 1}]}\n",
    );
    project.run_host("check").expect(0).never_says("unknown");

    project.write(
        "models/typo.py",
        "\"\"\"Reads:\n- ref('trps')\n\"\"\"\nx = ref('zone')\nwrite_to_model(source('raw', 'order'))\n",
    );
    project.write(
        "models/note.ipynb",
        notebook("x = 1\nwrite_to_model(ref('Trips'))"),
    );
    project.write("models/reads_off.py", "write_to_model(ref('off'))\n");
    project.write("models/pkg.py", "write_to_model(ref('nopkg', 'trips'))\n");
    let ended = project.run_host("check");
    ended
        .expect(2)
        .says("`typo` reads `ref('trps')`, but no model, seed or snapshot has this name");
    ended
        .says("[models/typo.py:2:")
        .says("did you mean `trips`?");
    ended
        .says("[models/typo.py:4:")
        .says("did you mean `zones`?");
    ended
        .says("[models/typo.py:5:")
        .says("did you mean `raw.orders`?");
    ended
        .says("models/note.ipynb")
        .says("cell 2")
        .says("`note` reads `ref('Trips')`");
    ended.says("\u{26a0} `reads_off` reads `ref('off')`, which is switched off");
    ended
        .says("but no package has this name")
        .never_says("fine.py");
}

#[test]
fn what_may_make_other_names_turns_errors_into_warnings_that_say_so() {
    let typo = "write_to_model(ref('trps'))\n";
    for (file, content, doubt) in [
        (
            "packages.yml",
            "packages: [{package: a/b, version: 1.0.0}]\n",
            "packages are not installed",
        ),
        (
            "dependencies.yml",
            "projects: [{name: other}]\n",
            "reads other projects",
        ),
        (
            "macros/ref.sql",
            "{% macro ref(name) %}{{ return(builtins.ref(name)) }}{% endmacro %}",
            "replaces `ref`",
        ),
    ] {
        let project = project();
        project.write("models/typo.py", typo).write(file, content);
        let ended = project.run_host("check");
        ended
            .expect(0)
            .says("\u{26a0} `typo` reads `ref('trps')`")
            .says("did you mean `trips`?");
        let words: Vec<_> = ended.stdout.split_whitespace().collect();
        assert!(words.join(" ").contains(doubt), "{ended}");
    }
    let project = project();
    project
        .write("dbt_packages/other/dbt_project.yml", "name: other\n")
        .write("dbt_packages/other/models/far.sql", "select 1");
    project.write(
        "models/reads.py",
        "write_to_model(ref('far'))\nx = ref('other', 'far')\n",
    );
    project.run_host("check").expect(0).never_says("far");
}

#[test]
fn check_shows_circles_with_each_of_their_lines() {
    let project = project();
    project.write("models/one.py", "x = 1\nwrite_to_model(ref('two'))\n");
    project.write("models/two.py", "write_to_model(ref('one'))\n");
    project.write("models/own.py", "write_to_model(ref('own'))\n");
    project
        .write("models/py.py", "write_to_model(ref('sq'))\n")
        .write("models/sq.sql", "select *\nfrom {{ ref('py') }}");
    let ended = project.run_host("check");
    ended
        .expect(2)
        .says("\u{d7} `one` reads `two`, and so waits for itself: one -> two -> one")
        .says("[models/one.py:2:");
    ended
        .says("[models/two.py:1:")
        .says("\u{d7} the model `own` reads itself")
        .says("{this}");
    ended
        .says("\u{26a0} `py` reads `sq`")
        .says("[models/sq.sql:2:");
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_run_shows_the_line_of_what_dbt_does_not_find() {
    let project = project();
    project.write(
        "models/note.ipynb",
        notebook("x = 1\nwrite_to_model(ref('trps'))"),
    );
    project
        .run("run")
        .expect(2)
        .says("\u{d7} `note` reads `ref('trps')`")
        .says("cell 2")
        .says("did you mean `trips`?");
    project.remove("models/note.ipynb").write(
        "models/typo.py",
        "write_to_model(\n  source('raw', 'ordrs'))\n",
    );
    project
        .run("ls")
        .expect(2)
        .says("[models/typo.py:2:")
        .says("did you mean `raw.orders`?");
    project
        .write("models/typo.py", "write_to_model(ref('off'))\n")
        .write("models/off.sql", "{{ config(enabled=false) }} select 1");
    project
        .run("run")
        .expect(2)
        .says("[models/typo.py:1:")
        .says("which is switched off");
    project.write("models/typo.py", "write_to_model(ref('typo'))\n");
    project
        .run("run")
        .expect(2)
        .says("[models/typo.py:1:")
        .says("reads itself")
        .says("{this}");
}

#[test]
fn check_knows_names_that_dbt_refuses() {
    let project = project();
    project.write(
        "models/Sales forecast.ipynb",
        notebook("write_to_model(ref('trips'))"),
    );
    project.write("models/~draft.py", "write_to_model(ref('trips'))\n");
    project.write("models/zones.py", "write_to_model(ref('trips'))\n");
    project.write("models/kept.py", "write_to_model(ref('trips'))\n");
    let ended = project.run_host("check");
    ended
        .expect(2)
        .says("dbt allows no spaces in a model's name")
        .says("`sales_forecast`");
    ended
        .says("begin with `#` or `~`")
        .says("the seed seeds/zones.csv")
        .says("a snapshot of snapshots/snap.sql");
    let config = project.read("dbt_project.yml");
    project.write(
        "dbt_project.yml",
        config + "\nflags: {require_resource_names_without_spaces: false}\n",
    );
    project.remove("models/~draft.py");
    project.run_host("check").expect(0).never_says("spaces");
}

#[test]
fn check_reports_the_scripts_that_a_run_would_refuse() {
    let project = project();
    project.write("there.py", "");
    project.write(
        "models/more.yml",
        "models:\n- name: trips\n  meta:\n    fal:\n      runtime: x\n      scripts: [there.py, gone.py]\n\
         seeds:\n- {name: zones, config: {meta: {fal: {post-hook: 3}}}}\nfal: {scripts: [lost.py]}\n",
    );
    let ended = project.run_host("check");
    ended
        .expect(2)
        .says("there is no file `gone.py`")
        .says("[models/more.yml:6:1]")
        .says("there is no file `lost.py`");
    ended
        .says("\u{26a0} the model `trips`: `fal` has no key `runtime`")
        .says("[models/more.yml:5:1]");
    ended
        .says("the seed `zones`: an entry of `post-hook` must be")
        .never_says("there.py`");
}
