//! Notebooks as models.

use fal_e2e::Project;
use serde_json::json;

use crate::both_warehouses::{NOTEBOOKS, assert_same_on_postgres};

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn notebooks_of_both_formats_run_with_their_magics_and_a_failure_names_cell_and_line() {
    let project = Project::copy_of("notebooks");
    let ended = project.run("run");
    ended.expect(1);
    assert_eq!(
        project.statuses(),
        "error: failing; success: magic old orders"
    );
    assert_eq!(
        project.query("from magic order by id"),
        json!([[1, 2, 2], [2, 4, 2]])
    );
    assert_eq!(project.query("from old order by id"), json!([[1], [2]]));
    ended
        .says("magic | from bash: 42")
        .says("magic | from the shell: one two")
        .says("magic | straight from the shell");
    ended.says("failing | so far so good");
    insta::assert_snapshot!(project.message("failing"), @r#"
    Traceback (most recent call last):
      File "models/failing.ipynb", Cell 3, line 3, in <module>
        share(len(rows), 0)
      File "models/failing.ipynb", Cell 2, line 3, in share
        return part / whole
    ZeroDivisionError: division by zero
    "#);
    assert_same_on_postgres(&NOTEBOOKS, &project, &[project.results()]);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn programs_find_the_line_of_a_failure_and_in_a_notebook_the_cell() {
    let project = Project::copy_of("notebooks");
    let code =
        "def half(rows):\n    return rows['no'] / 2\n\nwrite_to_model(half(ref('orders')))\n";
    project.write("models/halves.py", code);
    let mut run = project.host_with_dbt("run --select +failing +halves");
    run.env("GITHUB_ACTIONS", "true");
    let ended = project.finish(run);
    ended.expect(1);
    let mut annotations: Vec<&str> = ended
        .stdout
        .lines()
        .filter(|line| line.starts_with("::"))
        // The traceback's other lines differ between versions of Python.
        .filter_map(|line| line.split("%0A").next())
        .collect();
    annotations.sort_unstable();
    insta::assert_snapshot!(annotations.join("\n"), @"
    ::error file=models/failing.ipynb,title=failing%3A exception::cell 2, line 3: Traceback (most recent call last):
    ::error file=models/halves.py,line=2,title=halves%3A exception::Traceback (most recent call last):
    ");
    let events = project.read("target/fal/events.jsonl");
    let mut failures: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["data"].take())
        .filter(|data| data["event"] == "node_finished" && data["status"] == "error")
        .map(|data| {
            format!(
                "{} {} {:#}",
                data["node"]["name"], data["code"], data["frames"]
            )
        })
        .collect();
    failures.sort_unstable();
    insta::assert_snapshot!(failures.join("\n"), @r#"
    "failing" "exception" [
      {
        "file": "models/failing.ipynb",
        "cell": 3,
        "line": 3,
        "text": "share(len(rows), 0)"
      },
      {
        "file": "models/failing.ipynb",
        "cell": 2,
        "line": 3,
        "text": "return part / whole"
      }
    ]
    "halves" "exception" [
      {
        "file": "models/halves.py",
        "cell": null,
        "line": 4,
        "text": "write_to_model(half(ref('orders')))"
      },
      {
        "file": "models/halves.py",
        "cell": null,
        "line": 2,
        "text": "return rows['no'] / 2"
      }
    ]
    "#);
    let results = project.read("target/run_results.json");
    assert!(!results.contains("\"frames\""), "{results}");
}

#[test]
fn a_notebook_of_another_language_is_refused_and_one_that_is_broken_names_its_cell() {
    let project = Project::bare();
    let julia = json!({"cells": [], "metadata": {"kernelspec": {"language": "julia", "name": "julia-1.9", "display_name": "Julia"}},
        "nbformat": 4, "nbformat_minor": 5});
    project.write("models/julia.ipynb", julia.to_string());
    let cell = |source: &str| json!({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": source});
    let broken = json!({"cells": [cell("rows = ref('orders')"), cell("# fine\nrows = (rows\nwrite_to_model(rows)")],
        "metadata": {}, "nbformat": 4, "nbformat_minor": 5});
    project.write("models/broken.ipynb", broken.to_string());
    project.write("models/text.ipynb", "this is no notebook");
    let ended = project.run_host("generate");
    ended.expect(2);
    insta::assert_snapshot!(ended.stderr, @r"
    notebook::incomplete_cell

      × the cell ends inside a bracket
       ╭─[models/broken.ipynb, cell 2:2:8]
     1 │ # fine
     2 │ rows = (rows
       ·        ┬
       ·        ╰── this `(` is never closed
     3 │ write_to_model(rows)
       ╰────
      help: each cell must be complete, as in Jupyter

    notebook::kernel

      × models/julia.ipynb: the notebook's kernel runs julia, not Python
      help: a notebook model needs a Python kernel; move others out of the model paths

    notebook::json

      × the file is not JSON: expected ident
       ╭─[models/text.ipynb:1:2]
     1 │ this is no notebook
       ·  ▲
       ·  ╰── here
       ╰────
      help: restore the notebook, or correct the text at this place

    3 errors
    ");
}

fn notebook(sources: &[&str]) -> String {
    let cell = |source: &&str| json!({"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null, "source": source});
    let cells: Vec<_> = sources.iter().map(cell).collect();
    json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).to_string()
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn a_notebook_runs_in_its_folder_with_other_notebooks_results_and_captured_output() {
    let project = Project::copy_of("notebooks");
    project.write("models/deep/rows.csv", "id\n7\n");
    project.write("models/deep/near.py", "three = 3\n");
    project.write(
        "common/setup.ipynb",
        notebook(&[
            "%matplotlib inline\nfive = [\n  12\n  %7\n][0]",
            "!echo from the setup",
        ]),
    );
    let cells = [
        "'''Reads\n- ref('orders')\n'''\n%run ../../common/setup.ipynb",
        "%%capture out\nimport pandas as pd\nprint('silent')\nrows = pd.read_csv('rows.csv')",
        "from . import near\nfive + near.three",
        "rows['sum'] = _\nrows['printed'] = out.stdout.strip()\nwrite_to_model(rows)",
    ];
    project.write("models/deep/whole.ipynb", notebook(&cells));
    let ended = project.run("run --select +whole");
    ended.expect(0);
    ended.says("whole | from the setup");
    assert!(!ended.stdout.contains("silent"), "{}", ended.stdout);
    assert_eq!(project.query("from whole"), json!([[7, 8, "silent"]]));
}

#[test]
fn cells_of_databricks_magics_without_a_sign_and_unfinished_merges_are_named() {
    let project = Project::bare();
    project.write(
        "models/bricks.ipynb",
        notebook(&["x = 1", "%sql\nselect 1"]),
    );
    project.write(
        "models/install.ipynb",
        notebook(&["x = 1\npip install pandas"]),
    );
    project.write(
        "models/merged.ipynb",
        "{\"cells\": [\n{\"cell_type\": \"code\",\n<<<<<<< HEAD\n\"source\": \"a\"\n=======\n",
    );
    let ended = project.run_host("check");
    ended.expect(2);
    insta::assert_snapshot!(ended.stdout, @r#"
    notebook::databricks_magic

      × `%sql` on the first line of a cell is Databricks' way to give the whole cell a language
       ╭─[models/bricks.ipynb, cell 2:1:1]
     1 │ %sql
       · ────
     2 │ select 1
       ╰────
      help: write `%%sql` with two percent signs

    notebook::automagic

      × `pip ...` is not Python: Jupyter reads such a line as the magic `%pip`
       ╭─[models/install.ipynb, cell 1:2:1]
     1 │ x = 1
     2 │ pip install pandas
       · ──────────────────
       ╰────
      help: in Jupyter write `%pip install ...`; a model installs nothing while it runs: name the
            package in an environment of fal_project.yml, and take the line out or tag its cell `fal-
            skip`

    notebook::merge_conflict

      × the file contains the markers of an unfinished merge, the first in cell 1
       ╭─[models/merged.ipynb:3:1]
     2 │ {"cell_type": "code",
     3 │ <<<<<<< HEAD
       · ▲
       · ╰── merge marker
     4 │ "source": "a"
     5 │ =======
       · ▲
       · ╰── merge marker
       ╰────
      help: take one side (`git checkout --ours FILE` or `--theirs`), or merge the cells by hand (with
            `nbdime mergetool`, say)

    3 errors
    "#);
}
