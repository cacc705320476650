//! Databricks' magics: `%sql`, `%md`, ... on the first line of a cell give the language of the
//! whole cell. IPython takes them for line magics and would read the rest of the cell as Python.

use crate::sql;

/// Magics of a whole cell, with what to do about them.
const MAGICS: [(&str, &str); 8] = [
    ("%sql", "write `%%sql` with two percent signs"),
    ("%md", "make it a Markdown cell"),
    ("%md-sandbox", "make it a Markdown cell"),
    (
        "%python",
        "remove the line: all code cells of a model are Python",
    ),
    ("%sh", "write `%%sh` with two percent signs"),
    ("%fs", "use Python instead, or tag the cell `fal-skip`"),
    (
        "%r",
        "a model runs Python only: rewrite the cell, or tag it `fal-skip`",
    ),
    (
        "%scala",
        "a model runs Python only: rewrite the cell, or tag it `fal-skip`",
    ),
];

/// Words that continue a SQL statement on the next line.
const CLAUSES: [&str; 16] = [
    "and", "cross", "from", "full", "group", "having", "inner", "join", "left", "limit", "on",
    "order", "right", "select", "union", "where",
];

/// A cell that begins with such a magic and has more below it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its line, from 0.
    pub(crate) line: usize,
    pub(crate) magic: &'static str,
    pub(crate) help: &'static str,
}

/// Finds the magic of a cell.
pub(crate) fn head(lines: &[String]) -> Option<Head> {
    let mut filled = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    let (line, first) = filled.next()?;
    let (_, next) = filled.next()?;
    let (word, rest) = first
        .trim()
        .split_once(char::is_whitespace)
        .unwrap_or((first.trim(), ""));
    let (magic, help) = MAGICS.into_iter().find(|(magic, _)| *magic == word)?;
    // With SQL on its line, `%sql` is a line magic with Python below, unless the SQL continues
    // there.
    let whole = magic != "%sql" || rest.trim().is_empty() || (sql::is_sql(rest) && goes_on(next));
    whole.then_some(Head { line, magic, help })
}

fn goes_on(line: &str) -> bool {
    let mut words = line.split_whitespace().map(str::to_ascii_lowercase);
    let clause = words
        .next()
        .is_some_and(|word| CLAUSES.contains(&word.as_str()));
    clause && !words.any(|word| word == "import")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn magic(cell: &str) -> Option<&'static str> {
        let lines: Vec<_> = cell.lines().map(str::to_owned).collect();
        head(&lines).map(|head| head.magic)
    }

    #[test]
    fn cells_of_databricks_are_known() {
        for (cell, found) in [
            ("%sql\nselect 1", Some("%sql")),
            ("\n  %sql  \nselect 1", Some("%sql")),
            ("%sql select *\nFROM orders", Some("%sql")),
            ("%md\n# Title", Some("%md")),
            ("%md Title\ntext", Some("%md")),
            ("%python\nx = 1", Some("%python")),
            ("%sql select 1\nx = 1", None),
            ("%sql select 1\nfrom x import y", None),
            ("%sql duckdb://\nx = 1", None),
            ("%sql", None),
            ("%md Title", None),
            ("%%sql\nselect 1", None),
            ("x = 1\n%sql\nselect 1", None),
            ("%run ./other\nx = 1", None),
            ("", None),
        ] {
            assert_eq!(magic(cell), found, "{cell}");
        }
    }
}
