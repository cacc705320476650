//! Tests the contract of the stage, and the format.

use fal_plugin::{payload::LineOrigin, NotebookParser};
use fal_plugin_testkit::notebook_parser;

use my_plugin::Quarto;

#[test]
fn the_contract_holds() {
    notebook_parser(&Quarto).assert_ok();
}

#[test]
fn cells_become_a_module_whose_lines_are_known() {
    let text = "# Orders\n\n```{python}\n#| echo: false\na = 1\n```\n\n```python\nonly shown\n```\n\n````{python}\nb = 2\n````\n";
    let analysis = Quarto.parse("a.qmd", text.as_bytes()).unwrap();
    assert_eq!(analysis.python, "#| echo: false\na = 1\nb = 2\n");
    let places = [(1, 1), (1, 2), (2, 1)].map(|(cell, line)| LineOrigin { cell, line });
    assert_eq!(analysis.lines, places);
}

#[test]
fn a_cell_in_another_language_is_a_problem() {
    let analysis = Quarto.parse("a.qmd", b"```{r}\nx <- 1\n```\n").unwrap();
    assert_eq!(
        analysis.diagnostics[0].message,
        "the cell is not Python but r"
    );
    assert!(Quarto.parse("a.qmd", b"```{python}\nx = 1\n").is_err());
}
