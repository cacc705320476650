//! The contract of a notebook parser. The cases that parse notebooks apply to parsers that claim
//! `ipynb`, since the kit has no notebooks of other formats.

mod cells;

use fal_plugin::{NotebookParser, ParseError, payload::NotebookAnalysis, wire::Transport};
use serde_json::{Value, json};

use crate::{
    case::{Case, Finding, Verdict, ensure, quoted, same_from_threads},
    wire,
};

const MAP_FIX: &str = "give one entry of `lines` a line of `python`; cells count from 1 over all cells, lines from 1 within the cell";
const REFUSE_FIX: &str =
    "answer `ParseError::Syntax` with a message; `ParseError::Plugin` stops the host";

/// All cases.
pub(crate) const CASES: &[Case<dyn NotebookParser>] = &[
    Case::required(
        "notebook-parser/extensions",
        "It claims at least one file extension, without a dot",
        "name the extensions in lower case, as `ipynb`",
        extensions,
    ),
    Case::required(
        "notebook-parser/no-notebook",
        "Bytes that are no notebook are refused or read as what they are",
        REFUSE_FIX,
        no_notebook,
    ),
    Case::required(
        "notebook-parser/deterministic",
        "The same bytes give the same answer, from eight threads too",
        "the host parses files in parallel on one parser: guard what calls share",
        deterministic,
    ),
    Case::required(
        "notebook-parser/cells",
        "Code cells become one module, in order; other cells do not",
        MAP_FIX,
        cells::cells,
    ),
    Case::required(
        "notebook-parser/line-map",
        "Every line of the module knows its cell and its line there",
        MAP_FIX,
        cells::line_map,
    ),
    Case::required(
        "notebook-parser/source-forms",
        "A cell's source may be one text or a list of lines",
        "join a list as it is: its items end in line breaks; drop the `\\r` of Windows line ends",
        cells::source_forms,
    ),
    Case::required(
        "notebook-parser/magics",
        "Magics and shell lines are calls of `get_ipython()`, each in its line",
        "write them as IPython would: `get_ipython().run_line_magic('matplotlib', 'inline')`, `get_ipython().system('ls')`",
        cells::magics,
    ),
    Case::required(
        "notebook-parser/invalid-json",
        "JSON that is broken or no notebook is refused with a message",
        REFUSE_FIX,
        cells::invalid_json,
    ),
    Case::required(
        "notebook-parser/other-language",
        "A notebook whose kernel runs another language has an error",
        "look at `metadata.kernelspec.language` and `metadata.language_info.name`, and add a diagnostic of severity `error`",
        cells::other_language,
    ),
    Case::required(
        "notebook-parser/empty",
        "A notebook without code is an empty module",
        MAP_FIX,
        cells::empty,
    ),
    Case::required(
        "notebook-parser/large",
        "A notebook of 1 MB, most of it outputs, is read",
        MAP_FIX,
        cells::large,
    ),
    Case::optional(
        "notebook-parser/nbformat-3",
        "Notebooks of nbformat 3 are read",
        "take `worksheets[].cells[]` and `input` in the place of `cells[]` and `source`",
        cells::nbformat_3,
    ),
    wire::unknown_method("notebook-parser/unknown-method"),
    wire::unknown_fields("notebook-parser/unknown-fields", unknown_fields),
    wire::unreadable_request("notebook-parser/unreadable-request", |transport| {
        wire::refuses_no_json(transport, "parse")
    }),
];

fn code(source: Value) -> Value {
    json!({"cell_type": "code", "execution_count": null, "metadata": {}, "outputs": [], "source": source})
}

fn markdown(source: &str) -> Value {
    json!({"cell_type": "markdown", "metadata": {}, "source": source})
}

fn notebook(cells: Vec<Value>) -> Vec<u8> {
    let kernel = json!({"display_name": "Python 3", "language": "python", "name": "python3"});
    json!({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})
        .to_string()
        .into_bytes()
}

fn attempted(
    parser: &dyn NotebookParser,
    bytes: &[u8],
) -> Result<Result<NotebookAnalysis, String>, Finding> {
    match parser.parse("models/model.ipynb", bytes) {
        Ok(analysis) => {
            let (lines, mapped) = (analysis.python.lines().count(), analysis.lines.len());
            ensure!(
                lines == mapped,
                "`python` has {lines} lines and `lines` {mapped} entries"
            );
            let zero = analysis.lines.iter().any(|at| at.cell == 0 || at.line == 0);
            ensure!(!zero, "a cell or a line is 0: they count from 1");
            Ok(Ok(analysis))
        }
        Err(ParseError::Syntax(diagnostic)) => Ok(Err(diagnostic.message)),
        Err(ParseError::Plugin(error)) => Err(error.into()),
    }
}

/// Returns the module of a notebook that every parser of `ipynb` must read.
fn read(parser: &dyn NotebookParser, bytes: &[u8]) -> Result<NotebookAnalysis, Finding> {
    if !parser
        .extensions()
        .iter()
        .any(|extension| extension == "ipynb")
    {
        return Err(Finding::NotApplicable(
            "it does not claim `ipynb`".to_owned(),
        ));
    }
    attempted(parser, bytes)?
        .map_err(|message| Finding::flaw(format!("a good notebook was refused: {message}")))
}

fn extensions(parser: &dyn NotebookParser) -> Verdict {
    let extensions = parser.extensions();
    ensure!(!extensions.is_empty(), "it claims none");
    extensions
        .iter()
        .try_for_each(|extension| wire::plain_name("an extension", extension))
}

fn no_notebook(parser: &dyn NotebookParser) -> Verdict {
    let noise: Vec<u8> = (0..=255).cycle().take(4_000).collect();
    for bytes in [&b""[..], b"\xff\xfe\x00", b"# %%\nx = 1\n", &noise] {
        let answer = attempted(parser, bytes)?;
        ensure!(
            !answer.is_err_and(|message| message.is_empty()),
            "the syntax error has no message"
        );
    }
    Ok(())
}

fn deterministic(parser: &dyn NotebookParser) -> Verdict {
    let bytes = notebook(vec![
        code(json!("a = 1\n%who")),
        markdown("# b"),
        code(json!("write_to_model(ref('a'))")),
    ]);
    same_from_threads(|_| attempted(parser, &bytes))
}

fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.ipynb", "of_a_newer_host": [1]}"#;
    // A parser of another format may refuse these bytes as a syntax error, but it must be able
    // to read the request.
    match transport.call("parse", request, &notebook(vec![code(json!("a = 1"))])) {
        Ok(_) => {
            wire::answered::<NotebookAnalysis>(transport, "parse", request, &notebook(Vec::new()))
                .map(drop)
        }
        Err(error) => match serde_json::from_slice(&error) {
            Ok(fal_plugin::wire::WireError::Syntax { .. }) => Ok(()),
            _ => Err(Finding::flaw(format!(
                "`parse` answered the error {}",
                quoted(&String::from_utf8_lossy(&error))
            ))),
        },
    }
}
