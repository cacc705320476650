//! Magics that run Python and look at how it runs: `%time`, `%timeit`, `%prun`, `%%capture`, ...
//!
//! A model needs their Python and not the measurement, so it stays Python and runs once.

use crate::{escape, lexer};

/// Options of `timeit` and `prun` that take a value, which may be the next word.
const WITH_VALUE: [&str; 8] = ["-n", "-r", "-p", "-s", "-l", "-D", "-T", "-N"];

/// Returns the statement of a line magic, if it is plain Python.
pub(crate) fn statement(magic: &str, args: &str) -> Option<String> {
    let statement = if magic == "time" {
        without_long_options(args)
    } else {
        without_options(args)
    };
    let plain = !statement.is_empty()
        && !escape::is_escaped(statement)
        && matches!(lexer::scan(statement, 0).stop, lexer::Stop::End)
        && crate::help::trailing(statement).is_none();
    plain.then(|| statement.to_owned())
}

/// Whether the body of this cell magic is Python that runs in the notebook itself.
pub(crate) fn has_python_body(magic: &str) -> bool {
    matches!(magic, "time" | "timeit" | "capture" | "prun" | "py")
}

/// Returns the first line of a cell whose body stays Python: a comment, or a statement that the
/// body needs.
pub(crate) fn first_line(magic: &str, line: &str) -> String {
    // The worker's job reads this comment and captures what the cell prints. A statement would keep
    // a docstring below it from being the notebook's.
    let sign = if magic == "capture" {
        "get_ipython(): "
    } else {
        ""
    };
    let comment = format!("# {sign}%%{magic} {line}");
    let comment = comment.trim_end();
    let needed = if magic == "timeit" {
        statement(magic, line)
    } else {
        None
    };
    needed.map_or_else(
        || comment.to_owned(),
        |python| format!("{python}  {comment}"),
    )
}

pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn without_long_options(args: &str) -> &str {
    let mut rest = args.trim();
    while let Some(option) = rest.strip_prefix("--") {
        rest = option
            .find(' ')
            .map_or("", |space| option[space..].trim_start());
    }
    rest
}

fn without_options(args: &str) -> &str {
    let mut rest = args.trim();
    while rest.starts_with('-') {
        let (option, behind) = escape::partition(rest);
        rest = behind.trim_start();
        if WITH_VALUE.contains(&option) {
            rest = escape::partition(rest).1.trim_start();
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_stays_python() {
        for (magic, args, expected) in [
            ("time", "df = ref('a')", Some("df = ref('a')")),
            ("time", "--no-raise-error f()", Some("f()")),
            ("time", "-x", Some("-x")),
            ("timeit", "-n 10 -r3 f(x)", Some("f(x)")),
            ("prun", "-s cumulative -q f()", Some("f()")),
            ("time", "", None),
            ("time", "!ls", None),
            ("time", "x = !ls", None),
            ("time", "%run a.py", None),
            ("time", "f(", None),
        ] {
            assert_eq!(
                statement(magic, args).as_deref(),
                expected,
                "{magic} {args}"
            );
        }
    }

    #[test]
    fn the_first_line_keeps_what_the_body_needs() {
        insta::assert_snapshot!(first_line("time", ""), @"# %%time");
        insta::assert_snapshot!(first_line("timeit", "-n 3 x = 1"), @"x = 1  # %%timeit -n 3 x = 1");
        insta::assert_snapshot!(first_line("capture", "--no-stderr out"), @"# get_ipython(): %%capture --no-stderr out");
        insta::assert_snapshot!(first_line("capture", ""), @"# get_ipython(): %%capture");
    }
}
