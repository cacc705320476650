//! Statements that begin with one of IPython's escapes: `%`, `!`, `!!`, `?`, `??`, `,`, `;`, `/`.

use crate::{call, help, literal::double_quoted, run_once, sql};

/// Whether a statement is IPython's and not Python's: its first token is one of the escapes.
pub(crate) fn is_escaped(statement: &str) -> bool {
    match statement.as_bytes() {
        [b'%' | b'!' | b'/', b'=', ..] | [b'/', b'/', ..] => false, // operators of Python
        [b'%' | b'!' | b'?' | b',' | b';' | b'/', ..] => true,
        _ => false,
    }
}

/// Returns the Python for an escaped statement; `None` if IPython would leave it unchanged.
pub(crate) fn transform(statement: &str) -> Option<String> {
    let rest = statement.get(1..)?;
    match statement.as_bytes()[0] {
        b'%' => Some(magic(rest)),
        b'!' => Some(
            rest.strip_prefix('!')
                .map_or_else(|| call::system(rest), call::getoutput),
        ),
        b'?' => Some(question(rest)),
        b',' => Some(quoted_words(rest)),
        b';' => Some(quoted_line(rest)),
        b'/' => called(rest),
        _ => None,
    }
    // `/!name` becomes another escaped statement.
    .and_then(|call| {
        if is_escaped(&call) {
            transform(&call)
        } else {
            Some(call)
        }
    })
}

/// Returns the Python for the value in `x = %magic` and `x = !command`.
pub(crate) fn assigned(value: &str) -> String {
    match value.strip_prefix('!') {
        Some(command) => call::getoutput(command),
        None => assigned_magic(value.get(1..).unwrap_or_default()),
    }
}

fn magic(rest: &str) -> String {
    let (name, args) = partition(rest);
    let python = match name {
        "time" | "timeit" | "prun" => run_once::statement(name, args),
        "sql" => sql::line(args),
        _ => None,
    };
    python.unwrap_or_else(|| call::line_magic(name, args))
}

fn assigned_magic(rest: &str) -> String {
    let (name, args) = partition(rest);
    let python = match name {
        "time" => run_once::statement(name, args),
        "sql" => sql::line(args).filter(|_| !args.contains("<<")),
        _ => None,
    };
    python.unwrap_or_else(|| call::line_magic(name, args))
}

fn question(rest: &str) -> String {
    let (marks, target) = rest
        .strip_prefix('?')
        .map_or(("?", rest), |target| ("??", target));
    if target.is_empty() {
        "get_ipython().show_usage()".to_owned()
    } else {
        help::call_for(target, marks)
    }
}

/// `,f a b` is `f("a", "b")`.
fn quoted_words(rest: &str) -> String {
    let (name, args) = partition(rest);
    let words: Vec<_> = args.split_whitespace().map(double_quoted).collect();
    let words = if words.is_empty() {
        "\"\"".to_owned()
    } else {
        words.join(", ")
    };
    format!("{name}({words})")
}

/// `;f a b` is `f("a b")`.
fn quoted_line(rest: &str) -> String {
    let (name, args) = partition(rest);
    format!("{name}({})", double_quoted(args))
}

/// `/f a b` is `f(a, b)`.
fn called(rest: &str) -> Option<String> {
    let (name, args) = partition(rest);
    let args: Vec<_> = args.split_whitespace().collect();
    (!name.is_empty()).then(|| format!("{name}({})", args.join(", ")))
}

/// Splits a text at the first space.
pub(crate) fn partition(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}
