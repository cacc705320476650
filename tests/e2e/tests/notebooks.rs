//! Notebooks as models.

use fal_e2e::Project;
use serde_json::json;

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn notebooks_of_both_formats_run_with_their_magics_and_a_failure_names_cell_and_line() {
    let project = Project::copy_of("notebooks");
    let ended = project.run(&["run"]);
    ended.expect(1);
    assert_eq!(project.results(), ["failing error", "magic success", "old success", "orders success"]);
    assert_eq!(project.query("from magic order by id"), json!([[1, 2, 2], [2, 4, 2]]));
    assert_eq!(project.query("from old order by id"), json!([[1], [2]]));
    ended.says("magic | from bash: 42").says("magic | from the shell: one two").says("magic | straight from the shell");
    ended.says("failing | so far so good");
    insta::assert_snapshot!(project.message("failing"), @r#"
    Traceback (most recent call last):
      File "models/failing.ipynb", Cell 3, line 3, in <module>
        share(len(rows), 0)
      File "models/failing.ipynb", Cell 2, line 3, in share
        return part / whole
    ZeroDivisionError: division by zero
    "#);
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
    let ended = project.run_host(&["generate"]);
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
      help: each cell must be whole by itself, as in Jupyter

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
      help: restore the notebook, or mend the text at this place

    3 errors
    ");
}
