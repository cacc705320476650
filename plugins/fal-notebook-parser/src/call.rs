//! Writes the calls that IPython's syntax means.

use crate::literal::{repr, triple_quoted_line};

/// Returns the call for `%name args`.
pub(crate) fn line_magic(name: &str, args: &str) -> String {
    format!(
        "get_ipython().run_line_magic({}, {})",
        repr(name),
        repr(args)
    )
}

/// Returns the call for `!command`.
pub(crate) fn system(command: &str) -> String {
    format!("get_ipython().system({})", repr(command))
}

/// Returns the call for `!!command` and `x = !command`.
pub(crate) fn getoutput(command: &str) -> String {
    format!("get_ipython().getoutput({})", repr(command))
}

/// Returns the call for `%%name line` with its body, over as many lines as the cell has.
pub(crate) fn cell_magic<S: AsRef<str>>(name: &str, line: &str, body: &[S]) -> Vec<String> {
    let open = format!(
        "get_ipython().run_cell_magic({}, {}, ",
        repr(name),
        repr(line)
    );
    match body.split_last() {
        None => vec![format!("{open}'')")],
        Some((last, body)) => {
            let mut lines = vec![format!("{open}'''\\")];
            lines.extend(
                body.iter()
                    .map(|line| triple_quoted_line(line.as_ref(), '\'')),
            );
            // IPython passes the body with a line end at its end.
            lines.push(format!(
                "{}\\n''')",
                triple_quoted_line(last.as_ref(), '\'')
            ));
            lines
        }
    }
}

/// Returns a call of `execute_sql` whose text starts on the call's line and goes on below it.
pub(crate) fn execute_sql<S: AsRef<str>>(
    result: Option<&str>,
    first: &str,
    rest: &[S],
) -> Vec<String> {
    let open = result.map_or_else(String::new, |name| format!("{name} = "));
    let mut lines = vec![format!(
        "{open}execute_sql(\"\"\"{}",
        triple_quoted_line(first, '"')
    )];
    if first.is_empty() && !rest.is_empty() {
        lines[0].push('\\');
    }
    lines.extend(
        rest.iter()
            .map(|line| triple_quoted_line(line.as_ref(), '"')),
    );
    if let Some(last) = lines.last_mut() {
        last.push_str("\"\"\")");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_magic_spans_as_many_lines_as_its_cell() {
        let body = ["echo '''{x}'''", "", "echo \\\"a\" 'b'"];
        insta::assert_snapshot!(cell_magic("bash", "-e", &body).join("\n"), @r#"
        get_ipython().run_cell_magic('bash', '-e', '''\
        echo \'\''{x}\'\'\'

        echo \\"a" 'b\'\n''')
        "#);
        insta::assert_snapshot!(cell_magic::<&str>("html", "", &[]).join("\n"), @"get_ipython().run_cell_magic('html', '', '')");
    }

    #[test]
    fn sql_starts_where_it_was_written() {
        insta::assert_snapshot!(execute_sql(Some("df"), "", &["select \"a\"", "from \"b\""]).join("\n"), @r#"
        df = execute_sql("""\
        select "a\"
        from "b\"""")
        "#);
        insta::assert_snapshot!(execute_sql(None, "select 1", &["limit 1"]).join("\n"), @r#"
        execute_sql("""select 1
        limit 1""")
        "#);
    }
}
