//! Cases on files that are unusual, large or not Python.

use fal_plugin::{
    PythonParser,
    payload::{FileKind, PythonAnalysis, Severity},
};

use super::{analysed, attempted, spans::marked, texts};
use crate::case::{Finding, Verdict, ensure, quoted, same_from_threads};

pub(super) fn syntax_error(parser: &dyn PythonParser) -> Verdict {
    let text = "# größe\nx = = 1\nwrite_to_model(x)\n";
    let Err(diagnostic) = attempted(parser, text)? else {
        return Err(Finding::flaw(format!("{} was read", quoted(text))));
    };
    ensure!(
        diagnostic.severity == Severity::Error,
        "the severity is {:?}",
        diagnostic.severity
    );
    ensure!(
        !diagnostic.code.is_empty() && !diagnostic.message.is_empty(),
        "there is no code or no message"
    );
    let line = diagnostic.labels.first().map(|label| label.span.from.line);
    ensure!(line == Some(2), "the line is {line:?}, not 2");
    diagnostic
        .labels
        .iter()
        .try_for_each(|label| marked(text, label.span).map(drop))
}

pub(super) fn empty(parser: &dyn PythonParser) -> Verdict {
    for text in ["", "\n", "# nothing\n"] {
        let analysis = analysed(parser, text)?;
        let PythonAnalysis {
            kind,
            dependencies,
            writes,
            diagnostics,
            ..
        } = &analysis;
        let nothing = dependencies.is_empty() && writes.is_empty() && diagnostics.is_empty();
        ensure!(
            *kind == FileKind::Helper && nothing,
            "{} gave {analysis:?}",
            quoted(text)
        );
    }
    Ok(())
}

pub(super) fn odd(parser: &dyn PythonParser) -> Verdict {
    for text in [
        "\0",
        "x = 1\0",
        "\u{feff}write_to_model(ref('a'))",
        "write_to_model(1)\r\rx = 2\r",
        "\u{c}x = 1",
        "'''",
        "\"",
        "\\",
        "if x:\n\ty\n        z\n",
        "x = '\u{202e}'\u{2028}y = 1",
        "été = ref('été')",
        "((((",
        "f'{",
        "\t",
    ] {
        // Read or refused: either will do.
        let answer = attempted(parser, text)?;
        if let Err(diagnostic) = answer {
            diagnostic
                .labels
                .iter()
                .try_for_each(|label| marked_loosely(text, label.span.start, label.span.end))?;
        }
    }
    Ok(())
}

/// Checks spans by bytes only, because lines of unusual texts can be counted in several ways.
fn marked_loosely(text: &str, start: u32, end: u32) -> Verdict {
    let marked = text.get(start as usize..end as usize);
    ensure!(
        marked.is_some(),
        "the span {start}..{end} is no piece of {}",
        quoted(text)
    );
    Ok(())
}

pub(super) fn deep(parser: &dyn PythonParser) -> Verdict {
    const DEPTH: usize = 1_500;
    let blocks: String = (0..90)
        .map(|level| format!("{}if x:\n", " ".repeat(level)))
        .collect();
    for text in [
        format!("x = {}1{}", "(".repeat(DEPTH), ")".repeat(DEPTH)),
        format!("x = {}1{}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        format!("x = {}y", "-".repeat(DEPTH)),
        format!("x = y{}", ".z()".repeat(DEPTH)),
        format!("x = {}1", "1 + ".repeat(DEPTH)),
        format!("{blocks}{}pass\n", " ".repeat(90)),
    ] {
        // Read or refused: either will do.
        let _ = attempted(parser, &text)?;
    }
    Ok(())
}

pub(super) fn large(parser: &dyn PythonParser) -> Verdict {
    let mut text = String::from("ROWS = ''\n");
    while text.len() < 1_000_000 {
        text.push_str("ROWS += 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6'\n");
    }
    text.push_str("write_to_model(ref('last'))\n");
    let analysis = analysed(parser, &text)?;
    let found = texts(&analysis);
    ensure!(
        found == ["ref('last')"],
        "the call in the last line was not found: {found:?}"
    );
    Ok(())
}

const SEVERAL: &str = "'''ref('d')'''\nimport a, b, c\nfor n in ['x', 'y']:\n    ref(n)\nsource('s', 't')\nref(a)\nref(b)\n\
                       if a:\n    write_to_model(1)\n";

pub(super) fn deterministic(parser: &dyn PythonParser) -> Verdict {
    let first = analysed(parser, SEVERAL)?;
    for _ in 0..8 {
        let again = analysed(parser, SEVERAL)?;
        ensure!(
            again == first,
            "{} gave another answer when it was asked again",
            quoted(SEVERAL)
        );
    }
    Ok(())
}

pub(super) fn threads(parser: &dyn PythonParser) -> Verdict {
    same_from_threads(|number| analysed(parser, &format!("{SEVERAL}ref('only_{number}')\n")))
}

pub(super) fn new_grammar(parser: &dyn PythonParser) -> Verdict {
    for text in [
        "x = f'{y['a']}'\nwrite_to_model(x)",
        "type Row = dict[str, int]\nwrite_to_model(1)",
    ] {
        analysed(parser, text)?;
    }
    Ok(())
}
