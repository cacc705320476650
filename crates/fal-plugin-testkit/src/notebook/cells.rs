//! Notebooks of the format `ipynb`.

use fal_plugin::{
    NotebookParser,
    payload::{LineOrigin, NotebookAnalysis, Severity},
};
use serde_json::json;

use super::{attempted, code, markdown, notebook, read};
use crate::case::{Finding, Verdict, ensure, quoted};

fn line_with<'a>(
    analysis: &'a NotebookAnalysis,
    text: &str,
) -> Result<(&'a str, LineOrigin), Finding> {
    let mut lines = analysis.python.lines().zip(&analysis.lines);
    let found = lines.find(|(line, _)| line.contains(text));
    found.map(|(line, at)| (line, *at)).ok_or_else(|| {
        Finding::flaw(format!(
            "`{text}` is not in the module {}",
            quoted(&analysis.python)
        ))
    })
}

/// Checks that the line with this text is said to come from this line of this cell.
fn comes_from(analysis: &NotebookAnalysis, text: &str, cell: u32, line: u32) -> Verdict {
    let (_, at) = line_with(analysis, text)?;
    ensure!(
        at == LineOrigin { cell, line },
        "`{text}` is said to stand in cell {} line {}, not {cell} and {line}",
        at.cell,
        at.line
    );
    Ok(())
}

pub(super) fn cells(parser: &dyn NotebookParser) -> Verdict {
    let analysis = read(
        parser,
        &notebook(vec![
            markdown("first_text"),
            code(json!("a = 1")),
            markdown("b"),
            code(json!("b = a")),
        ]),
    )?;
    let python = &analysis.python;
    let places = (python.find("a = 1"), python.find("b = a"));
    ensure!(
        places.0.is_some() && places.0 < places.1,
        "the cells are not there in order: {}",
        quoted(python)
    );
    ensure!(
        !python.contains("first_text"),
        "a text cell is in the module: {}",
        quoted(python)
    );
    Ok(())
}

pub(super) fn line_map(parser: &dyn NotebookParser) -> Verdict {
    let analysis = read(
        parser,
        &notebook(vec![
            markdown("text"),
            code(json!("größe = 1\n\nif größe:\n    x = '🎲'")),
            code(json!("")),
            code(json!("\ny = 2\n")),
        ]),
    )?;
    for (text, cell, line) in [
        ("größe = 1", 2, 1),
        ("if größe:", 2, 3),
        ("x = '🎲'", 2, 4),
        ("y = 2", 4, 2),
    ] {
        comes_from(&analysis, text, cell, line)?;
    }
    Ok(())
}

pub(super) fn source_forms(parser: &dyn NotebookParser) -> Verdict {
    let text = read(parser, &notebook(vec![code(json!("a = 1\nb = 2"))]))?;
    for source in [json!(["a = 1\n", "b = 2"]), json!("a = 1\r\nb = 2")] {
        let other = read(parser, &notebook(vec![code(source.clone())]))?;
        ensure!(
            text == other,
            "the source {source} gave {}, not {}",
            quoted(&other.python),
            quoted(&text.python)
        );
    }
    Ok(())
}

pub(super) fn magics(parser: &dyn NotebookParser) -> Verdict {
    let source = "%matplotlib inline\n!ls\nfiles = !ls\nx = 7 % 3\nmodels?";
    let analysis = read(
        parser,
        &notebook(vec![code(json!(source)), code(json!("%%bash\necho one"))]),
    )?;
    for (text, line) in [
        ("get_ipython().run_line_magic('matplotlib', 'inline')", 1),
        ("get_ipython().system('ls')", 2),
        ("files = get_ipython().getoutput('ls')", 3),
        ("x = 7 % 3", 4),
        ("get_ipython().run_line_magic('pinfo', 'models')", 5),
    ] {
        comes_from(&analysis, text, 1, line)?;
    }
    let (_, at) = line_with(&analysis, "get_ipython().run_cell_magic('bash', ''")?;
    ensure!(
        at.cell == 2,
        "the cell magic is said to stand in cell {}",
        at.cell
    );
    Ok(())
}

pub(super) fn invalid_json(parser: &dyn NotebookParser) -> Verdict {
    read(parser, &notebook(Vec::new()))?;
    let mut cut = notebook(vec![code(json!("write_to_model(1)"))]);
    cut.truncate(cut.len() / 2);
    for bytes in [
        &b"{"[..],
        b"[]",
        b"{}",
        b"null",
        b"{\"nbformat\": 4, \"cells\": 7}",
        &cut,
    ] {
        match attempted(parser, bytes)? {
            Err(message) => ensure!(!message.is_empty(), "the syntax error has no message"),
            Ok(_) => {
                return Err(Finding::flaw(format!(
                    "{} was read as a notebook",
                    quoted(&String::from_utf8_lossy(bytes))
                )));
            }
        }
    }
    Ok(())
}

pub(super) fn other_language(parser: &dyn NotebookParser) -> Verdict {
    let kernel = json!({"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}});
    let cells = [code(json!("x <- 1"))];
    let bytes =
        json!({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}).to_string();
    let analysis = read(parser, bytes.as_bytes())?;
    let error = analysis
        .diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error && !one.message.is_empty());
    ensure!(error, "there is none");
    Ok(())
}

pub(super) fn empty(parser: &dyn NotebookParser) -> Verdict {
    for cells in [vec![], vec![markdown("only text")], vec![code(json!(""))]] {
        let analysis = read(parser, &notebook(cells))?;
        ensure!(
            analysis.python.trim().is_empty(),
            "the module is {}",
            quoted(&analysis.python)
        );
        ensure!(
            analysis.diagnostics.is_empty(),
            "it has problems: {:?}",
            analysis.diagnostics
        );
    }
    Ok(())
}

pub(super) fn large(parser: &dyn NotebookParser) -> Verdict {
    let mut picture = code(json!("plot()"));
    picture["outputs"] = json!([{"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBOR".repeat(180_000)}}]);
    let many: Vec<_> = (0..1_000)
        .map(|number| {
            code(json!(format!(
                "value_{number} = {number}\nprint(value_{number})"
            )))
        })
        .collect();
    let analysis = read(parser, &notebook([vec![picture], many].concat()))?;
    comes_from(&analysis, "value_999 = 999", 1_001, 1)
}

pub(super) fn nbformat_3(parser: &dyn NotebookParser) -> Verdict {
    let cell = json!({"cell_type": "code", "collapsed": false, "input": ["df = ref('a')\n", "write_to_model(df)"],
        "language": "python", "metadata": {}, "outputs": [], "prompt_number": 1});
    let bytes = json!({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell], "metadata": {}}]});
    let analysis = read(parser, bytes.to_string().as_bytes())?;
    comes_from(&analysis, "write_to_model(df)", 1, 2)
}
