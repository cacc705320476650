//! The table in the documentation.

use std::fs;

use serde_json::Value;

use super::counts::Counts;
use crate::{
    error::{At, Result},
    layout,
};

const PAGE: &str = "docs/dbt-versions.md";
const BEGIN: &str = "<!-- made by `cargo xtask matrix` -->\n";
const END: &str = "<!-- end -->\n";

/// Renders the results of each version as a Markdown table.
pub(super) fn render(known: &[Value]) -> String {
    let mut table =
        "| dbt-core | dbt-duckdb | dbt-postgres | dbt-adapters | DuckDB | Python | Python tests | End-to-end tests |\n\
                     |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for one in known {
        let names = [
            "dbt-core",
            "dbt-duckdb",
            "dbt-postgres",
            "dbt-adapters",
            "duckdb",
            "python",
        ];
        let versions = names.map(|name| one["installed"][name].as_str().unwrap_or("?").to_owned());
        let all = if one["all"] == true { " (all)" } else { "" };
        table.push_str(&format!(
            "| {} | {} | {}{all} |\n",
            versions.join(" | "),
            shown(&one["python"]),
            shown(&one["e2e"])
        ));
    }
    table
}

fn shown(counts: &Value) -> String {
    if counts.is_null() {
        "not run".to_owned()
    } else {
        Counts::read(counts).to_string()
    }
}

/// Writes the table, and which tests were run, into the page.
pub(super) fn write(known: &[Value], e2e: &[&str], folders: &[&str]) -> Result<()> {
    let path = layout::root().join(PAGE);
    let page = fs::read_to_string(&path).at(&path)?;
    let ran = format!(
        "Python tests: the folders {} of `plugins/fal-dbt-backend/python/tests`.\n\
         End-to-end tests: the programs {} of `tests/e2e` unless it says all.\n\
         DuckDB and a PostgreSQL server are behind both.\n",
        listed(folders),
        listed(e2e)
    );
    fs::write(&path, replaced(&page, &format!("{}\n{ran}", render(known)))).at(&path)
}

fn replaced(page: &str, text: &str) -> String {
    let (before, rest) = page.split_once(BEGIN).unwrap_or((page, ""));
    let after = rest.split_once(END).map_or("", |(_, after)| after);
    format!("{before}{BEGIN}{text}{END}{after}")
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_table_of_the_page_changes() {
        let page = format!("# Title\n{BEGIN}old\n{END}rest\n");
        assert_eq!(
            replaced(&page, "new\n"),
            format!("# Title\n{BEGIN}new\n{END}rest\n")
        );
    }

    #[test]
    fn a_line_says_what_was_installed_and_how_it_went() {
        let installed = json!({ "dbt-core": "1.8.10", "dbt-duckdb": "1.11.1", "dbt-postgres": "1.9.1", "dbt-adapters": "1.16.3",
            "duckdb": "2.0.0", "python": "3.11.7" });
        let counts = json!({ "passed": 4, "failed": 1, "skipped": 9 });
        let table = render(&[
            json!({ "installed": installed, "all": false, "python": counts, "e2e": counts }),
        ]);
        let last = table.lines().last().unwrap_or_default();
        assert_eq!(
            last,
            "| 1.8.10 | 1.11.1 | 1.9.1 | 1.16.3 | 2.0.0 | 3.11.7 | 4 passed, 1 failed, 9 skipped | 4 passed, 1 failed, 9 skipped |"
        );
    }
}
