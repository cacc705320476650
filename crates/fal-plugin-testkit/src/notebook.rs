//! The contract of a notebook parser. Cases on notebooks themselves are for parsers that claim `ipynb`: of other formats the
//! kit knows nothing.

use std::thread;

use fal_plugin::{
    NotebookParser, ParseError,
    payload::{LineOrigin, NotebookAnalysis, Severity},
    wire::Transport,
};
use serde_json::{Value, json};

use crate::{
    case::{Case, Finding, Verdict, ensure, quoted},
    wire,
};

const MAP_FIX: &str =
    "give one entry of `lines` a line of `python`; cells count from 1 over all cells, lines from 1 within the cell";
const REFUSE_FIX: &str = "answer `ParseError::Syntax` with a message; `ParseError::Plugin` stops the host";

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
        cells,
    ),
    Case::required(
        "notebook-parser/line-map",
        "Every line of the module knows its cell and its line there",
        MAP_FIX,
        line_map,
    ),
    Case::required(
        "notebook-parser/source-forms",
        "A cell's source may be one text or a list of lines",
        "join a list as it stands: its items end in line breaks; drop the `\\r` of Windows line ends",
        source_forms,
    ),
    Case::required(
        "notebook-parser/magics",
        "Magics and shell lines are calls of `get_ipython()`, each in its line",
        "write them as IPython would: `get_ipython().run_line_magic('matplotlib', 'inline')`, `get_ipython().system('ls')`",
        magics,
    ),
    Case::required(
        "notebook-parser/invalid-json",
        "JSON that is broken or no notebook is refused with a message",
        REFUSE_FIX,
        invalid_json,
    ),
    Case::required(
        "notebook-parser/other-language",
        "A notebook whose kernel runs another language has an error",
        "look at `metadata.kernelspec.language` and `metadata.language_info.name`, and add a diagnostic of severity `error`",
        other_language,
    ),
    Case::required("notebook-parser/empty", "A notebook without code is an empty module", MAP_FIX, empty),
    Case::required("notebook-parser/large", "A notebook of 1 MB, most of it outputs, is read", MAP_FIX, large),
    Case::optional(
        "notebook-parser/nbformat-3",
        "Notebooks of nbformat 3 are read",
        "take `worksheets[].cells[]` and `input` in the place of `cells[]` and `source`",
        nbformat_3,
    ),
    Case::wire("notebook-parser/unknown-method", wire::UNKNOWN_METHOD, wire::UNKNOWN_METHOD_FIX, wire::unknown_method),
    Case::wire("notebook-parser/unknown-fields", wire::UNKNOWN_FIELDS, wire::UNKNOWN_FIELDS_FIX, unknown_fields),
    Case::wire(
        "notebook-parser/unreadable-request",
        wire::UNREADABLE_REQUEST,
        wire::UNREADABLE_REQUEST_FIX,
        |transport| wire::unreadable_request(transport, "parse"),
    ),
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

fn attempted(parser: &dyn NotebookParser, bytes: &[u8]) -> Result<Result<NotebookAnalysis, String>, Finding> {
    match parser.parse("models/model.ipynb", bytes) {
        Ok(analysis) => {
            let (lines, told) = (analysis.python.lines().count(), analysis.lines.len());
            ensure!(lines == told, "`python` has {lines} lines and `lines` {told} entries");
            let zero = analysis.lines.iter().any(|at| at.cell == 0 || at.line == 0);
            ensure!(!zero, "a cell or a line is 0: they count from 1");
            Ok(Ok(analysis))
        }
        Err(ParseError::Syntax(diagnostic)) => Ok(Err(diagnostic.message)),
        Err(ParseError::Plugin(error)) => Err(error.into()),
    }
}

/// The module of a notebook that every parser of `ipynb` reads.
fn read(parser: &dyn NotebookParser, bytes: &[u8]) -> Result<NotebookAnalysis, Finding> {
    if !parser.extensions().iter().any(|extension| extension == "ipynb") {
        return Err(Finding::NotApplicable("it does not claim `ipynb`".to_owned()));
    }
    attempted(parser, bytes)?.map_err(|message| Finding::flaw(format!("a good notebook was refused: {message}")))
}

fn extensions(parser: &dyn NotebookParser) -> Verdict {
    let extensions = parser.extensions();
    ensure!(!extensions.is_empty(), "it claims none");
    extensions.iter().try_for_each(|extension| wire::plain_name("an extension", extension))
}

fn no_notebook(parser: &dyn NotebookParser) -> Verdict {
    let noise: Vec<u8> = (0..=255).cycle().take(4_000).collect();
    for bytes in [&b""[..], b"\xff\xfe\x00", b"# %%\nx = 1\n", &noise] {
        let answer = attempted(parser, bytes)?;
        ensure!(!answer.is_err_and(|message| message.is_empty()), "the syntax error has no message");
    }
    Ok(())
}

fn deterministic(parser: &dyn NotebookParser) -> Verdict {
    let bytes = notebook(vec![code(json!("a = 1\n%who")), markdown("# b"), code(json!("write_to_model(ref('a'))"))]);
    let ask = || attempted(parser, &bytes);
    let first = ask()?;
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..20).map(|_| ask()).collect::<Result<Vec<_>, _>>())).collect();
        for thread in threads {
            let answers = thread.join().map_err(|_| Finding::flaw("a thread panicked"))??;
            ensure!(
                answers.iter().all(|answer| *answer == first),
                "an answer differs from the first of the same bytes"
            );
        }
        Ok(())
    })
}

fn line_with<'a>(analysis: &'a NotebookAnalysis, text: &str) -> Result<(&'a str, LineOrigin), Finding> {
    let mut lines = analysis.python.lines().zip(&analysis.lines);
    let found = lines.find(|(line, _)| line.contains(text));
    found
        .map(|(line, at)| (line, *at))
        .ok_or_else(|| Finding::flaw(format!("`{text}` is not in the module {}", quoted(&analysis.python))))
}

fn cells(parser: &dyn NotebookParser) -> Verdict {
    let analysis = read(
        parser,
        &notebook(vec![markdown("first_text"), code(json!("a = 1")), markdown("b"), code(json!("b = a"))]),
    )?;
    let python = &analysis.python;
    let places = (python.find("a = 1"), python.find("b = a"));
    ensure!(places.0.is_some() && places.0 < places.1, "the cells are not there in order: {}", quoted(python));
    ensure!(!python.contains("first_text"), "a text cell is in the module: {}", quoted(python));
    Ok(())
}

fn line_map(parser: &dyn NotebookParser) -> Verdict {
    let analysis = read(
        parser,
        &notebook(vec![
            markdown("text"),
            code(json!("größe = 1\n\nif größe:\n    x = '🎲'")),
            code(json!("")),
            code(json!("\ny = 2\n")),
        ]),
    )?;
    for (text, cell, line) in [("größe = 1", 2, 1), ("if größe:", 2, 3), ("x = '🎲'", 2, 4), ("y = 2", 4, 2)] {
        let (_, at) = line_with(&analysis, text)?;
        ensure!(
            at == LineOrigin { cell, line },
            "`{text}` is said to stand in cell {} line {}, not {cell} and {line}",
            at.cell,
            at.line
        );
    }
    Ok(())
}

fn source_forms(parser: &dyn NotebookParser) -> Verdict {
    let text = read(parser, &notebook(vec![code(json!("a = 1\nb = 2"))]))?;
    for source in [json!(["a = 1\n", "b = 2"]), json!("a = 1\r\nb = 2")] {
        let other = read(parser, &notebook(vec![code(source.clone())]))?;
        ensure!(text == other, "the source {source} gave {}, not {}", quoted(&other.python), quoted(&text.python));
    }
    Ok(())
}

fn magics(parser: &dyn NotebookParser) -> Verdict {
    let source = "%matplotlib inline\n!ls\nfiles = !ls\nx = 7 % 3\nmodels?";
    let analysis = read(parser, &notebook(vec![code(json!(source)), code(json!("%%bash\necho one"))]))?;
    for (text, line) in [
        ("get_ipython().run_line_magic('matplotlib', 'inline')", 1),
        ("get_ipython().system('ls')", 2),
        ("files = get_ipython().getoutput('ls')", 3),
        ("x = 7 % 3", 4),
        ("get_ipython().run_line_magic('pinfo', 'models')", 5),
    ] {
        let (_, at) = line_with(&analysis, text)?;
        ensure!(at == LineOrigin { cell: 1, line }, "`{text}` is said to stand in cell {} line {}", at.cell, at.line);
    }
    let (_, at) = line_with(&analysis, "get_ipython().run_cell_magic('bash', ''")?;
    ensure!(at.cell == 2, "the cell magic is said to stand in cell {}", at.cell);
    Ok(())
}

fn invalid_json(parser: &dyn NotebookParser) -> Verdict {
    read(parser, &notebook(Vec::new()))?;
    let mut cut = notebook(vec![code(json!("write_to_model(1)"))]);
    cut.truncate(cut.len() / 2);
    for bytes in [&b"{"[..], b"[]", b"{}", b"null", b"{\"nbformat\": 4, \"cells\": 7}", &cut] {
        match attempted(parser, bytes)? {
            Err(message) => ensure!(!message.is_empty(), "the syntax error has no message"),
            Ok(_) => {
                return Err(Finding::flaw(format!(
                    "{} was read as a notebook",
                    quoted(&String::from_utf8_lossy(bytes))
                )));
            }
        }
    }
    Ok(())
}

fn other_language(parser: &dyn NotebookParser) -> Verdict {
    let kernel = json!({"kernelspec": {"display_name": "R", "language": "R", "name": "ir"}});
    let cells = [code(json!("x <- 1"))];
    let bytes = json!({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}).to_string();
    let analysis = read(parser, bytes.as_bytes())?;
    let error = analysis.diagnostics.iter().any(|one| one.severity == Severity::Error && !one.message.is_empty());
    ensure!(error, "there is none");
    Ok(())
}

fn empty(parser: &dyn NotebookParser) -> Verdict {
    for cells in [vec![], vec![markdown("only text")], vec![code(json!(""))]] {
        let analysis = read(parser, &notebook(cells))?;
        ensure!(analysis.python.trim().is_empty(), "the module is {}", quoted(&analysis.python));
        ensure!(analysis.diagnostics.is_empty(), "it has problems: {:?}", analysis.diagnostics);
    }
    Ok(())
}

fn large(parser: &dyn NotebookParser) -> Verdict {
    let mut picture = code(json!("plot()"));
    picture["outputs"] =
        json!([{"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBOR".repeat(180_000)}}]);
    let many: Vec<_> =
        (0..1_000).map(|number| code(json!(format!("value_{number} = {number}\nprint(value_{number})")))).collect();
    let analysis = read(parser, &notebook([vec![picture], many].concat()))?;
    let (_, at) = line_with(&analysis, "value_999 = 999")?;
    ensure!(at == LineOrigin { cell: 1_001, line: 1 }, "the last cell is said to be cell {} line {}", at.cell, at.line);
    Ok(())
}

fn nbformat_3(parser: &dyn NotebookParser) -> Verdict {
    let cell = json!({"cell_type": "code", "collapsed": false, "input": ["df = ref('a')\n", "write_to_model(df)"],
        "language": "python", "metadata": {}, "outputs": [], "prompt_number": 1});
    let bytes = json!({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [cell], "metadata": {}}]});
    let analysis = read(parser, bytes.to_string().as_bytes())?;
    let (_, at) = line_with(&analysis, "write_to_model(df)")?;
    ensure!(at == LineOrigin { cell: 1, line: 2 }, "the last line is said to be line {} of cell {}", at.line, at.cell);
    Ok(())
}

fn unknown_fields(transport: &dyn Transport) -> Verdict {
    let request = br#"{"path": "models/a.ipynb", "of_a_newer_host": [1]}"#;
    // A format of its own may refuse these bytes as syntax; the request itself must be read.
    match transport.call("parse", request, &notebook(vec![code(json!("a = 1"))])) {
        Ok(_) => wire::answered::<NotebookAnalysis>(transport, "parse", request, &notebook(Vec::new())).map(drop),
        Err(error) => match serde_json::from_slice(&error) {
            Ok(fal_plugin::wire::WireError::Syntax { .. }) => Ok(()),
            _ => Err(Finding::flaw(format!("`parse` answered the error {}", quoted(&String::from_utf8_lossy(&error))))),
        },
    }
}
