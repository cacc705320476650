//! The contract of a Python parser.

mod dependencies;
mod robust;
mod spans;
mod writes;

use fal_plugin::{
    ParseError, PythonParser,
    payload::{Diagnostic, PythonAnalysis},
    wire::Transport,
};

use crate::{
    case::{Case, Finding, Verdict, ensure, quoted},
    wire,
};

const ORDER_FIX: &str = "give `dependencies` in the order of the stub: the docstring's, then `ref` calls, then `source` calls, each breadth-first";
const SPAN_FIX: &str = "`start` and `end` are byte offsets into the text as it was given; lines count from 1, columns in Unicode scalar values from 1";
const COUNT_FIX: &str = "follow control flow: sequences add up, branches give the least `min` and the greatest `max`, a loop has no `max`";
const ROBUST_FIX: &str = "answer with what the file is, or with `ParseError::Syntax`; `ParseError::Plugin` stops the host";

/// All cases.
pub(crate) const CASES: &[Case<dyn PythonParser>] = &[
    Case::required(
        "python-parser/calls",
        "Calls of `ref` and `source` with literal arguments are dependencies",
        "give kind, arguments and `text` as in the stub: single quotes where possible, without what names no relation",
        dependencies::calls,
    ),
    Case::required(
        "python-parser/docstring",
        "Calls in the module docstring are dependencies, as written there",
        "read the docstring line by line; within a line `ref` comes ahead of `source`; the origin is `docstring`",
        dependencies::docstring,
    ),
    Case::required(
        "python-parser/order",
        "Dependencies come in the order of the stub",
        ORDER_FIX,
        dependencies::order,
    ),
    Case::required(
        "python-parser/not-ours",
        "Attributes, other names and names that the file defines are no dependencies",
        "only a call of the plain name `ref` or `source` counts, and only where the file does not bind that name itself",
        dependencies::not_ours,
    ),
    Case::required(
        "python-parser/unresolved",
        "A call whose arguments cannot be known is in `unresolved`, with a warning in its place",
        "add the call to `unresolved`, and a diagnostic whose first label is the call, unless the docstring names it",
        dependencies::unresolved,
    ),
    Case::optional(
        "python-parser/bindings",
        "A name that is bound once to a literal is followed",
        "give the dependency with the origin `binding`; else users must write it in the docstring",
        dependencies::bindings,
    ),
    Case::optional(
        "python-parser/loops",
        "A loop over a literal list gives each dependency",
        "give the dependencies with the origin `loop`; else users must write them in the docstring",
        dependencies::loops,
    ),
    Case::optional(
        "python-parser/sql",
        "Jinja in literal SQL given to `execute_sql` is read",
        "give the dependency with the origin `sql`; else users must write it in the docstring",
        dependencies::sql,
    ),
    Case::optional(
        "python-parser/imports",
        "Imported modules are listed, in order, each once",
        "fill `imports`; else models start slower, as nothing is imported ahead",
        dependencies::imports,
    ),
    Case::required(
        "python-parser/kind",
        "Scripts, dbt-native models and helpers are distinguished",
        "a script uses one of fal-host's names, a dbt-native model defines `model` with two arguments, a helper does neither",
        writes::kinds,
    ),
    Case::required(
        "python-parser/write-count",
        "Calls of `write_to_model` are counted along control flow",
        COUNT_FIX,
        writes::counts,
    ),
    Case::required(
        "python-parser/write-problems",
        "Too many writes, and no write at all, are errors with a place",
        "add a diagnostic of severity `error` for two writes on one path, a write in a loop, or none on any path",
        writes::problems,
    ),
    Case::required(
        "python-parser/spans",
        "Spans mark the calls, in bytes, lines and columns",
        SPAN_FIX,
        spans::plain,
    ),
    Case::required(
        "python-parser/spans-non-ascii",
        "Spans are right behind letters of several bytes",
        SPAN_FIX,
        spans::non_ascii,
    ),
    Case::required(
        "python-parser/spans-crlf",
        "Spans are right in a file with Windows line ends",
        SPAN_FIX,
        spans::crlf,
    ),
    Case::required(
        "python-parser/syntax-error",
        "A text that is no Python is a syntax error with its line",
        "answer `ParseError::Syntax` with a diagnostic of severity `error` whose first label marks the place",
        robust::syntax_error,
    ),
    Case::required(
        "python-parser/empty-file",
        "An empty file is a helper without findings",
        ROBUST_FIX,
        robust::empty,
    ),
    Case::required(
        "python-parser/odd-text",
        "Odd characters are read or refused as syntax",
        ROBUST_FIX,
        robust::odd,
    ),
    Case::required(
        "python-parser/deep-nesting",
        "Deep nesting is read or refused as syntax",
        ROBUST_FIX,
        robust::deep,
    ),
    Case::required(
        "python-parser/large-file",
        "A file of 1 MB is read to its end",
        ROBUST_FIX,
        robust::large,
    ),
    Case::required(
        "python-parser/deterministic",
        "The same text gives the same answer",
        "do not let the order of a hash map, a clock or an earlier call show in the answer",
        robust::deterministic,
    ),
    Case::required(
        "python-parser/threads",
        "Eight threads at once get the answers of one",
        "the host parses files in parallel on one parser: guard what calls share",
        robust::threads,
    ),
    Case::optional(
        "python-parser/new-grammar",
        "Grammar of Python 3.12 is read",
        "follow the grammar, or let a second parser in the chain read what this one refuses",
        robust::new_grammar,
    ),
    wire::unknown_method("python-parser/unknown-method"),
    wire::unknown_fields("python-parser/unknown-fields", unknown_fields),
    wire::unreadable_request("python-parser/unreadable-request", |transport| {
        wire::refuses_no_json(transport, "parse")
    }),
    Case::wire(
        "python-parser/not-utf8",
        "A text that is not UTF-8 is an error with a code and a message",
        wire::UNREADABLE_REQUEST_FIX,
        not_utf8,
    ),
];

/// Returns the analysis of a text that every parser must read.
fn analysed(parser: &dyn PythonParser, text: &str) -> Result<PythonAnalysis, Finding> {
    match parser.parse("models/model.py", text) {
        Ok(analysis) => Ok(analysis),
        Err(ParseError::Syntax(diagnostic)) => Err(Finding::flaw(format!(
            "{} was refused as a syntax error: {}",
            quoted(text),
            diagnostic.message
        ))),
        Err(ParseError::Plugin(error)) => Err(error.into()),
    }
}

/// Returns the analysis of a text that a parser may refuse, or its syntax error.
fn attempted(
    parser: &dyn PythonParser,
    text: &str,
) -> Result<Result<PythonAnalysis, Box<Diagnostic>>, Finding> {
    match parser.parse("models/model.py", text) {
        Ok(analysis) => Ok(Ok(analysis)),
        Err(ParseError::Syntax(diagnostic)) => Ok(Err(diagnostic)),
        Err(ParseError::Plugin(error)) => Err(error.into()),
    }
}

/// Returns the texts of the dependencies as they are written to the stub.
fn texts(analysis: &PythonAnalysis) -> Vec<&str> {
    analysis
        .dependencies
        .iter()
        .map(|dependency| dependency.text.as_str())
        .collect()
}

fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.py", "of_a_newer_host": {"a": [1]}}"#;
    let analysis: PythonAnalysis =
        wire::answered(transport, "parse", request, b"write_to_model(ref('a'))")?;
    ensure!(
        analysis.dependencies.len() == 1,
        "`dependencies` is {:?}",
        analysis.dependencies
    );
    Ok(())
}

fn not_utf8(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.py"}"#;
    wire::plain_error(
        "parse",
        wire::refused(transport, "parse", request, b"x = '\xff'")?,
    )
}
