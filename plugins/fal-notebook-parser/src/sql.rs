//! `%%sql` and `%sql`: SQL in a cell goes to `execute_sql`, as a literal, so that its dependencies
//! can be found.

use crate::{call, run_once::is_identifier};

/// Words that SQL begins with. With one of them the text on the magic's line is SQL and not the
/// name of a connection.
const OPENERS: [&str; 28] = [
    "alter",
    "analyze",
    "attach",
    "begin",
    "call",
    "commit",
    "copy",
    "create",
    "delete",
    "describe",
    "drop",
    "explain",
    "from",
    "grant",
    "insert",
    "install",
    "load",
    "merge",
    "pivot",
    "pragma",
    "select",
    "set",
    "show",
    "summarize",
    "truncate",
    "update",
    "values",
    "with",
];

/// The content of a SQL magic's line.
struct Line<'a> {
    result: Option<&'a str>,
    sql: &'a str,
}

/// Returns the call for `%%sql line` with its body; `None` if it has no SQL (for example, it only
/// connects).
pub(crate) fn cell<S: AsRef<str>>(line: &str, body: &[S]) -> Option<Vec<String>> {
    let read = read(line);
    let empty = read.sql.is_empty() && body.iter().all(|line| line.as_ref().trim().is_empty());
    (!empty).then(|| call::execute_sql(read.result, read.sql, body))
}

/// Returns the Python for `%sql args`; `None` if it has no SQL.
pub(crate) fn line(args: &str) -> Option<String> {
    let read = read(args);
    (!read.sql.is_empty()).then(|| call::execute_sql::<&str>(read.result, read.sql, &[]).remove(0))
}

/// Whether a text begins as SQL does.
pub(crate) fn is_sql(text: &str) -> bool {
    let word = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    OPENERS.contains(&word.as_str())
}

fn read(line: &str) -> Line<'_> {
    match line
        .split_once("<<")
        .map(|(before, sql)| (result_name(before), sql.trim()))
    {
        Some((Some(name), sql)) => Line {
            result: Some(name),
            sql,
        },
        _ => Line {
            result: None,
            sql: without_connection(line.trim()),
        },
    }
}

/// Returns the last word before `<<`. It may have a `=`, which asks to show the result.
fn result_name(before: &str) -> Option<&str> {
    let name = before
        .trim_end()
        .trim_end_matches('=')
        .split_whitespace()
        .last()?;
    is_identifier(name).then_some(name)
}

/// Skips options, connection strings and names of connections.
fn without_connection(line: &str) -> &str {
    let mut rest = line;
    while !rest.is_empty() && !opens_sql(rest) {
        rest = rest
            .find(char::is_whitespace)
            .map_or("", |space| rest[space..].trim_start());
    }
    rest
}

fn opens_sql(text: &str) -> bool {
    let word: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
    let whole_word = !text[word.len()..]
        .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '@'));
    let opener = whole_word && OPENERS.contains(&word.to_ascii_lowercase().as_str());
    opener
        || ["(", "/*", "-- ", "{{", "{%", "{#"]
            .iter()
            .any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str, body: &[&str]) -> String {
        cell(line, body).map_or_else(|| "nothing".to_owned(), |lines| lines.join("\n"))
    }

    #[test]
    fn connections_and_options_are_skipped() {
        for line in [
            "",
            "duckdb:///x.db",
            "mydb",
            "--save x",
            "duckdb://u@host/select",
        ] {
            assert_eq!(
                text(line, &["select 1"]),
                "execute_sql(\"\"\"\\\nselect 1\"\"\")",
                "{line}"
            );
        }
    }

    #[test]
    fn the_result_is_assigned() {
        for line in [
            "df <<",
            "duckdb:// df <<",
            "df= <<",
            "df = <<",
            "--save s df <<",
        ] {
            assert_eq!(
                text(line, &["select 1"]),
                "df = execute_sql(\"\"\"\\\nselect 1\"\"\")",
                "{line}"
            );
        }
    }

    #[test]
    fn sql_on_the_line_belongs_to_it() {
        assert_eq!(
            text("SELECT 1", &["limit 1"]),
            "execute_sql(\"\"\"SELECT 1\nlimit 1\"\"\")"
        );
        assert_eq!(
            text("df << select 1 << 2", &[]),
            "df = execute_sql(\"\"\"select 1 << 2\"\"\")"
        );
        assert_eq!(
            text("mydb select 1 << 2", &[]),
            "execute_sql(\"\"\"select 1 << 2\"\"\")"
        );
        assert_eq!(
            line("with a as (select 1) from a"),
            Some("execute_sql(\"\"\"with a as (select 1) from a\"\"\")".into())
        );
    }

    #[test]
    fn a_line_that_only_connects_holds_no_sql() {
        assert_eq!(text("duckdb://", &["", "  "]), "nothing");
        assert_eq!(line("--connections"), None);
    }
}
