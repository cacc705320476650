//! `show`: rows of Python models, which fal-host runs, and of all else, which dbt shows itself.

use std::sync::Arc;

use fal_host::{Project, PythonShow, ShowEnded, Shown};
use fal_plugin::payload::LogLevel;
use fal_report::EventKind;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::dbt;
use crate::{
    args::{ShowArgs, ShowOutput},
    context::Context,
    error::CliError,
    exit::Ended,
    signals,
};

/// As dbt's tables: columns that are shown, and characters of a value.
const MOST_COLUMNS: usize = 6;
const WIDEST: usize = 20;
/// Flags of `show` that a session of dbt's `build` does not have.
const OF_DBTS_SHOW: [&str; 2] = ["--introspect", "--no-introspect"];

pub(super) fn show(context: &Context, args: &ShowArgs) -> Result<Ended, CliError> {
    let criteria = args.select.criteria()?;
    let mut project = context.project_args(args.select.dbt_args());
    project.session.full_refresh = args.refresh.full_refresh;
    project.session.show_limit = Some(args.limit);
    let words = &mut project.session.dbt_args;
    words.retain(|word| !OF_DBTS_SHOW.contains(&word.as_str()));
    if args.inline.is_some() || criteria.select.is_empty() {
        return dbt::dbt(context, args.line.clone());
    }
    let project = Project::open(project)?;
    let Some(python) = PythonShow::new(&project, &criteria)? else {
        return dbt::dbt(context, args.line.clone());
    };
    signals::listen(&context.interrupt);
    let reporters = Arc::new(context.output.reporters_of_failures());
    let ended = python.run(&reporters, &context.interrupt);
    if let Ok(ended) = &ended {
        for shown in &ended.shown {
            print(context, shown, args.output, &reporters)?;
        }
    }
    reporters.finish()?;
    let ShowEnded {
        outcome,
        not_for_dbt,
        ..
    } = ended?;
    let ours = Ended::from(outcome);
    match not_for_dbt {
        Some(names) if ours == Ended::Well => dbt::dbt(context, without(&args.line, &names)),
        _ => Ok(ours),
    }
}

/// Returns dbt's command line without these models. dbt shows nodes that are named in the first word of the
/// selection alone, so that words for single models go.
fn without(line: &[String], names: &[String]) -> Vec<String> {
    let mut words = Vec::new();
    for word in line {
        if names.contains(word) && words.last().is_some_and(|last| last == "--select") {
            words.pop();
        } else {
            words.push(word.clone());
        }
    }
    words.extend(
        names
            .iter()
            .flat_map(|name| ["--exclude".to_owned(), name.clone()]),
    );
    words
}

/// Prints the rows of a model as dbt does.
fn print(
    context: &Context,
    shown: &Shown,
    form: ShowOutput,
    reporters: &fal_report::Reporters,
) -> Result<(), CliError> {
    let output = &context.output;
    let text = match form {
        ShowOutput::Json => {
            let rows: Vec<Map<String, Value>> =
                shown.rows.iter().map(|row| record(shown, row)).collect();
            let text = serde_json::to_string_pretty(&json!({"node": shown.name, "show": rows}));
            text.map_err(std::io::Error::from)?
        }
        ShowOutput::Text if output.is_quiet() => table(shown),
        ShowOutput::Text => format!("Previewing node '{}':\n{}", shown.name, table(shown)),
    };
    if output.is_json() {
        let kind = EventKind::Log {
            level: LogLevel::Info,
            name: Some("ShowNode".to_owned()),
            unique_id: Some(shown.unique_id.clone()),
            message: text,
        };
        reporters.emit(Timestamp::now(), kind);
        return Ok(());
    }
    Ok(output.data(&format!("{}\n", text.trim_end()))?)
}

fn record(shown: &Shown, row: &[Value]) -> Map<String, Value> {
    shown
        .columns
        .iter()
        .cloned()
        .zip(row.iter().cloned())
        .collect()
}

/// The rows as a table of text, numbers to the right.
fn table(shown: &Shown) -> String {
    let columns = shown.columns.len().min(MOST_COLUMNS);
    let more = (shown.columns.len() > columns).then_some("...");
    let cells = |row: &[String]| -> Vec<String> {
        let kept = row.iter().take(columns).map(|cell| shortened(cell));
        kept.chain(more.map(str::to_owned)).collect()
    };
    let head = cells(&shown.columns);
    let rows: Vec<Vec<String>> = shown
        .rows
        .iter()
        .map(|row| cells(&row.iter().map(text).collect::<Vec<_>>()))
        .collect();
    let is_number = |column: usize| {
        let mut values = shown.rows.iter().filter_map(|row| row.get(column));
        let is_text = |value: &Value| !value.is_number() && !value.is_null();
        !shown.rows.is_empty() && !values.any(is_text)
    };
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let lines = std::iter::once(&head).chain(&rows);
            lines
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column < columns && is_number(column) {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    [&head, &rule].into_iter().chain(&rows).map(line).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shortened(cell: &str) -> String {
    let cell = cell.replace('\n', " ");
    if cell.chars().count() <= WIDEST {
        return cell;
    }
    cell.chars().take(WIDEST - 3).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_a_table_as_dbt_prints_it() {
        let shown = Shown {
            columns: ["n", "text", "c", "d", "e", "f", "g"]
                .map(str::to_owned)
                .to_vec(),
            rows: vec![
                vec![
                    json!(1.5),
                    json!("a long text that goes on"),
                    json!(true),
                    Value::Null,
                    json!([1]),
                    json!(1),
                    json!(2),
                ],
                vec![
                    json!(10),
                    json!("b\nc"),
                    Value::Null,
                    Value::Null,
                    json!([]),
                    json!(22),
                    json!(2),
                ],
            ],
            ..Shown::default()
        };
        insta::assert_snapshot!(table(&shown), @r"
        |   n | text                 | c    | d | e   |  f | ... |
        | --- | -------------------- | ---- | - | --- | -- | --- |
        | 1.5 | a long text that ... | True |   | [1] |  1 | ... |
        |  10 | b c                  |      |   | []  | 22 | ... |
        ");
    }
}
