//! Compares with IPython itself. Needs a Python that has IPython:
//! `FAL_TEST_PYTHON=/path/to/python`, otherwise `python3`. Run with `cargo test -p
//! fal-notebook-parser --test ipython -- --ignored`.

use std::{
    env,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use fal_notebook_parser::IpynbParser;
use fal_plugin::{payload::NotebookAnalysis, NotebookParser};
use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use serde_json::{json, Value};

/// Pieces of random cells that have no white space.
const PIECES: &str = r#"
    % %% ! !! ? ?? , ; / = == != \ x df y.z a[0] * f f( ( ) [ ] { } 'a' "b#" ''' """ f'{x}'
    rb'?' : magic !ls 1 é . @ -> pass bash None
"#;
/// Pieces that have some.
const SPACED_PIECES: [&str; 23] = [
    " ",
    "  ",
    "\n",
    "\n",
    "\n    ",
    "\n\n",
    "\\\n",
    "x = ",
    "# c",
    "if x:\n    ",
    "for i in y:\n    ",
    "ls -la",
    "%magic a b",
    "10\n%3",
    "\t",
    "%%bash\n",
    "%%foo a\n",
    "def f():\n    ",
    "return ",
    "lambda a=1: a",
    "+= 1",
    "x: int = ",
    ">>= ",
];

fn pieces() -> Vec<&'static str> {
    PIECES.split_whitespace().chain(SPACED_PIECES).collect()
}

const CELLS: [&str; 54] = [
    "x = !ls?",
    "x = %magic?",
    "x = 1",
    "%magic a b",
    "%magic",
    "% magic",
    "  %magic a",
    "if x:\n    %magic a\n    !ls\ny = 1",
    "for i in y:\n\t!echo {i}\n\tx = !ls",
    "x = %magic a b",
    "x = % magic a",
    "x: list = !ls -la | wc",
    "a.b[1] = %magic",
    "a = b = 1\nc = !ls 'x y'",
    "!ls -la 'it''s' \"q\"",
    "!!ls",
    "! ls",
    "x = !",
    "df?",
    "df.head??",
    "x = df.a[0]?",
    "?df",
    "??df",
    "?",
    "??",
    "*load*?",
    "%magic?",
    "%%magic?",
    "!echo x?",
    "!echo \"x\"?",
    "f(a)?",
    "x = 'what?'",
    "f() # what?",
    ",f a b",
    ",f",
    ";f a b",
    ";f",
    "/f a b",
    "/f",
    "x = (10\n%3)",
    "x = [\n!ls\n]",
    "s = '''\n%magic\n!ls\n'''\n%magic",
    "x = 10 \\\n  %3",
    "%magic a \\\n b \\\n c\nx = 1",
    "!ls \\\n -l\nx = 1",
    "x = \\\n  !ls",
    "x = \\\n  %magic a",
    "%%bash -e x\necho '''a''' \"\"\"b\"\"\" \\n {x} \\\n\n  %magic\n",
    "%%html",
    "\n\n%%writefile a b.txt\nit's \"\"\"here\"\"\"'",
    "  %%bash\n  ls\n   x",
    "%%script python --out x\nprint('\\x00')\n\n",
    "df.head();",
    "%load_ext autoreload\n%autoreload 2\nimport a",
];

fn python() -> String {
    env::var("FAL_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

fn parse(source: &str) -> NotebookAnalysis {
    let notebook =
        json!({"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "source": source}]});
    let parser = IpynbParser::new(&Value::Null).unwrap();
    parser
        .parse("x.ipynb", notebook.to_string().as_bytes())
        .unwrap()
}

/// Whether the difference is intended: quotes in autocalls are escaped, which IPython forgets; a
/// cell magic in the middle of a cell is an error; calls move behind a docstring.
fn differs_by_design(cell: &str) -> bool {
    let autocall = cell.contains([',', ';']) && cell.contains(['\'', '"', '\\']);
    let analysis = parse(cell);
    let late_magic = analysis
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == "notebook::cell_magic");
    let mut behind = analysis.python.split(';').skip(1);
    let moved = behind.any(|code| code.trim_start().starts_with("get_ipython()"));
    autocall || late_magic || moved
}

/// Returns the differences between the parser's Python and IPython's.
fn differences(cells: &[String]) -> Vec<Value> {
    let cases: Vec<_> = cells
        .iter()
        .map(|source| json!({"source": source, "python": parse(source).python}))
        .collect();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/compare.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python with IPython: set FAL_TEST_PYTHON");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(Value::from(cases).to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the comparison failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn report(differences: &[Value]) -> String {
    let text = |difference: &Value, key: &str| difference[key].as_str().unwrap().to_owned();
    let one = |difference: &Value| {
        let [source, ours, theirs] = ["source", "ours", "ipython"].map(|key| text(difference, key));
        format!("--- cell: {source:?}\n{source}\n--- ours\n{ours}\n--- IPython\n{theirs}\n")
    };
    differences.iter().take(20).map(one).collect()
}

#[test]
#[ignore = "needs a Python with IPython"]
fn the_table_agrees_with_ipython() {
    let found = differences(&CELLS.map(str::to_owned));
    assert!(
        found.is_empty(),
        "{} differ\n{}",
        found.len(),
        report(&found)
    );
}

#[test]
#[ignore = "needs a Python with IPython"]
fn random_cells_agree_with_ipython() {
    let mut runner = TestRunner::deterministic();
    let pieces = prop::collection::vec(prop::sample::select(pieces()), 1..9);
    let mut cells: Vec<_> = (0..20_000)
        .map(|_| pieces.new_tree(&mut runner).unwrap().current().concat())
        .collect();
    cells.retain(|cell| !differs_by_design(cell));
    let found = differences(&cells);
    assert!(
        found.is_empty(),
        "{} of {} differ\n{}",
        found.len(),
        cells.len(),
        report(&found)
    );
}
