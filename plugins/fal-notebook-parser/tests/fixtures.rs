//! Notebooks as nbformat writes them (see `tests/fixtures/notebooks/make.py`), each as the Python
//! it becomes.

use std::{fs, path::PathBuf};

use fal_notebook_parser::IpynbParser;
use fal_plugin::{payload::NotebookAnalysis, NotebookParser};

fn parse(name: &str) -> NotebookAnalysis {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/notebooks");
    let bytes = fs::read(folder.join(name)).unwrap();
    IpynbParser::new(&serde_json::Value::Null)
        .unwrap()
        .parse(name, &bytes)
        .unwrap()
}

/// The Python, each line with its cell and line.
fn listing(analysis: &NotebookAnalysis) -> String {
    let lines = analysis.python.lines().zip(&analysis.lines);
    lines
        .map(|(text, at)| {
            format!("{:>2}.{}| {text}", at.cell, at.line)
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

fn problems(analysis: &NotebookAnalysis) -> String {
    let place = |line: u32| analysis.lines[line as usize - 1].line;
    let one = |diagnostic: &fal_plugin::payload::Diagnostic| {
        let line = diagnostic
            .labels
            .first()
            .map(|label| place(label.span.from.line));
        format!(
            "cell {:?} line {line:?}: {}\n",
            diagnostic.cell, diagnostic.message
        )
    };
    analysis.diagnostics.iter().map(one).collect()
}

#[test]
fn a_notebook_of_a_data_scientist() {
    let analysis = parse("forecast.ipynb");
    assert_eq!(problems(&analysis), "");
    insta::assert_snapshot!(listing(&analysis), @r#"
     2.1|
     2.2|
     3.1|
     3.2|
     4.1| """Forecast of daily orders.
     4.2|
     4.3| - ref('calendar')
     4.4| - source('raw', 'holidays')
     4.5| """; get_ipython().run_line_magic('matplotlib', 'inline'); get_ipython().run_line_magic('load_ext', 'autoreload')
     5.1| get_ipython().system('pip list | grep pandas')
     5.2| files = get_ipython().getoutput('ls *.csv')
     5.3| import pandas as pd
     6.1| # %%time
     6.2| orders = ref('orders')
     6.3| daily = orders.groupby('day').size()
     7.1| orders.head()
     9.1| get_ipython().run_cell_magic('bash', '', '''\
     9.2| echo 'it\''s done' """$HOME"""\n''')
    11.1| daily.plot();
    11.2| get_ipython().run_line_magic('pinfo', 'pd.DataFrame')
    13.1| forecast = daily.rolling(7).mean()
    13.2| write_to_model(forecast.reset_index());
    "#);
}

#[test]
fn sql_cells() {
    let analysis = parse("sql.ipynb");
    assert_eq!(problems(&analysis), "");
    insta::assert_snapshot!(listing(&analysis), @r#"
    1.1| get_ipython().run_line_magic('load_ext', 'sql')
    1.2| get_ipython().run_line_magic('sql', 'duckdb://')
    2.1| paid = execute_sql("""\
    2.2| select "order_id", amount
    2.3| from {{ ref('payments') }}
    2.4| where status = 'paid'""")
    3.1| late = execute_sql("""select * from {{ source('raw', 'late') }}""")
    4.1| if len(late):
    4.2|     paid = paid.merge(late)
    4.3| write_to_model(paid)
    "#);
}

#[test]
fn nbformat_3() {
    let analysis = parse("old.ipynb");
    assert_eq!(analysis.language.as_deref(), Some("python"));
    insta::assert_snapshot!(listing(&analysis), @"
    2.1| df = ref('orders')
    2.2| get_ipython().run_line_magic('who', '')
    4.1| write_to_model(df)
    ");
}

#[test]
fn another_kernel() {
    insta::assert_snapshot!(problems(&parse("other_language.ipynb")), @"cell None line None: the notebook's kernel runs R, not Python");
}

#[test]
fn cells_that_are_not_whole() {
    insta::assert_snapshot!(problems(&parse("incomplete.ipynb")), @"
    cell Some(2) line Some(1): the cell ends inside a bracket
    cell Some(4) line Some(1): the cell ends inside a string
    cell Some(5) line Some(1): the cell ends in a continued line
    cell Some(6) line Some(1): the block that this line opens is empty at the end of the cell
    cell Some(7) line Some(2): a cell magic must be the first line of its cell
    ");
}
