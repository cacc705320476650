//! Notebooks that are models and hooks in fal-host also run unchanged in Jupyter.

use std::{path::PathBuf, process::Command};

use fal_e2e::{Project, Running, dbt_python, workspace};
use serde_json::{Value, json};

use crate::both_warehouses::{JUPYTER, assert_same_on_postgres};

/// Makes the Python package importable, as if it were installed.
fn package() -> PathBuf {
    workspace().join("plugins/fal-dbt-backend/python")
}

/// Starts `jupyter nbconvert --execute` on a notebook: a real kernel, with the Python package in reach.
fn in_jupyter(project: &Project, notebook: &str) -> Running {
    let mut command = Command::new(dbt_python());
    command.args([
        "-m",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--stdout",
        "--log-level",
        "ERROR",
        notebook,
    ]);
    command
        .current_dir(project.root())
        .env("HOME", project.home())
        .env("TZ", "UTC");
    command
        .env("PYTHONPATH", package())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
        .env_remove("FAL_HOST_PYTHON")
        .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
    project.spawn(command)
}

/// What the cells of the notebook printed.
fn printed(notebook: Running) -> String {
    let ended = notebook.wait();
    ended.expect(0);
    let notebook: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}\n{ended}"));
    let cells = notebook["cells"].as_array().into_iter().flatten();
    let outputs = cells.flat_map(|cell| cell["outputs"].as_array().into_iter().flatten());
    let lines = outputs.flat_map(|output| output["text"].as_array().into_iter().flatten());
    lines
        .filter_map(Value::as_str)
        .filter(|line| !line.starts_with("fal: project shop"))
        .collect()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_notebook_is_a_model_and_a_hook_and_runs_in_jupyter_as_it_is() {
    let project = Project::copy_of("jupyter");
    let mut with_package = project.host_with_dbt("run");
    with_package.env("PYTHONPATH", package());
    project
        .finish(with_package)
        .expect(0)
        .says("shares | model shares 2")
        .says("total 2")
        .says("each 1");
    assert_eq!(project.query("select count(*) from by_class"), json!([[2]]));
    assert_eq!(
        project.query("select * from shares order by id"),
        json!([[1, 10, 0.2], [2, 20, 0.4]])
    );
    assert_same_on_postgres(&JUPYTER, &project, &[project.results()]);
    project.query("drop table shares");

    let notebooks = ["models/shares.ipynb", "scripts/tell.ipynb"]
        .map(|notebook| in_jupyter(&project, notebook));
    let [model, hook] = notebooks.map(printed);
    assert_eq!(model, "model shares 2\n");
    assert_eq!(hook, "total 2\neach 1\n");
    assert_eq!(
        project.query("select * from shares order by id"),
        json!([[1, 10, 0.2], [2, 20, 0.4]])
    );
    project.nothing_is_left();

    let ended = project.run("run --vars 'parts: 0'");
    ended.expect(1);
    insta::assert_snapshot!(project.message("shares"), @r#"
    Traceback (most recent call last):
      File "models/shares.ipynb", Cell 4, line 2, in <module>
        each = share(100, var("parts", 2))
      File "models/shares.ipynb", Cell 3, line 2, in share
        return amount / parts
    ZeroDivisionError: division by zero
    "#);
    insta::assert_snapshot!(project.message("tally"), @r#"
    The post-hook scripts/tell.ipynb failed; the model had run, and its table was written
    Traceback (most recent call last):
      File "scripts/tell.ipynb", Cell 3, line 2, in <module>
        print("each", total // parts)
    ZeroDivisionError: integer division or modulo by zero
    "#);
}
