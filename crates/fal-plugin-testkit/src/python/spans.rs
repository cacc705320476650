//! Cases on the positions of spans.

use fal_plugin::{
    PythonParser,
    payload::{Position, PythonAnalysis, Span},
};

use super::analysed;
use crate::case::{Finding, Verdict, ensure, quoted};

/// A file with one of each construct that has a span.
const TEXT: &str = "\"\"\"Doc.\n\n- ref('in_doc')\n\"\"\"\nimport os\ndf = ref('in_code')\nother = source('raw', 'orders')\n\
                    unknown = ref(os.sep)\nwrite_to_model(df)\n";

pub(super) fn plain(parser: &dyn PythonParser) -> Verdict {
    marks(parser, TEXT)
}

pub(super) fn non_ascii(parser: &dyn PythonParser) -> Verdict {
    let text = TEXT
        .replace("Doc.", "Größe 🎲 und Maß.")
        .replace("df = ref", "größe = '日本🎲'; df = ref");
    marks(parser, &text)
}

pub(super) fn crlf(parser: &dyn PythonParser) -> Verdict {
    marks(parser, &TEXT.replace('\n', "\r\n"))
}

fn marks(parser: &dyn PythonParser, text: &str) -> Verdict {
    let analysis = analysed(parser, text)?;
    let mut found = Vec::new();
    for span in spans(&analysis) {
        found.push(marked(text, span)?);
    }
    let expected = [
        "ref('in_doc')",
        "ref('in_code')",
        "source('raw', 'orders')",
        "ref(os.sep)",
        "write_to_model(df)",
        "import os",
    ];
    ensure!(
        found == expected,
        "the spans mark {found:?}, not {expected:?}"
    );
    Ok(())
}

fn spans(analysis: &PythonAnalysis) -> impl Iterator<Item = Span> {
    let dependencies = analysis.dependencies.iter().map(|one| one.span);
    let unresolved = analysis.unresolved.iter().map(|one| one.span);
    let writes = analysis.writes.iter().map(|one| one.span);
    let imports = analysis.imports.iter().map(|one| one.span);
    dependencies.chain(unresolved).chain(writes).chain(imports)
}

/// Returns the marked text if its lines and columns are right.
pub(super) fn marked(text: &str, span: Span) -> Result<&str, Finding> {
    let (start, end) = (span.start as usize, span.end as usize);
    let Some(marked) = text.get(start..end) else {
        return Err(Finding::flaw(format!(
            "the span {start}..{end} is no piece of the text of {} bytes",
            text.len()
        )));
    };
    for (offset, given) in [(start, span.from), (end, span.to)] {
        let Position { line, column } = position(text, offset);
        ensure!(
            given == Position { line, column },
            "{} begins or ends at {line}:{column} (line and column), not at {}:{}",
            quoted(marked),
            given.line,
            given.column
        );
    }
    Ok(marked)
}

fn position(text: &str, offset: usize) -> Position {
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    Position {
        line: count(before.matches('\n').count()),
        column: count(before[start..].chars().count()),
    }
}
