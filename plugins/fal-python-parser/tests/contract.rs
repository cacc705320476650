//! The contract of the stage: this parser passes, and one with a single fault fails the case for
//! it.

use fal_plugin::{
    payload::{FileKind, PythonAnalysis, Severity, WriteCount},
    ParseError, PluginError, PythonParser,
};
use fal_plugin_testkit::{python_parser, Need};
use fal_python_parser::RustPythonParser;

#[test]
fn the_contract_holds_but_for_newer_grammar() {
    let report = python_parser(&RustPythonParser);
    report.assert_ok();
    // The next parser of the chain reads newer grammar.
    assert_eq!(
        report.failed(Need::Optional).collect::<Vec<_>>(),
        ["python-parser/new-grammar"],
        "{report}"
    );
}

type Answer = Result<PythonAnalysis, ParseError>;

/// This parser with one fault in its answers.
struct Spoiled<F>(F);

impl<F: Fn(&str, Answer) -> Answer + Send + Sync> PythonParser for Spoiled<F> {
    fn parse(&self, path: &str, text: &str) -> Answer {
        // Another test reads the large file, which takes longest. Only its last line counts here.
        let last = || text.lines().last().unwrap_or_default();
        let text = if text.len() > 500_000 { last() } else { text };
        self.0(text, RustPythonParser.parse(path, text))
    }
}

#[track_caller]
fn fails(cases: &str, spoil: impl Fn(&str, Answer) -> Answer + Send + Sync + 'static) {
    let report = python_parser(&Spoiled(spoil));
    let failed: Vec<_> = report
        .failed(Need::Required)
        .map(|name| name.trim_start_matches("python-parser/"))
        .collect();
    assert_eq!(failed.join(" "), cases, "{report}");
}

#[track_caller]
fn spoiled(cases: &str, spoil: impl Fn(&str, &mut PythonAnalysis) + Send + Sync + 'static) {
    fails(cases, move |text, answer| {
        let mut analysis = answer?;
        spoil(text, &mut analysis);
        Ok(analysis)
    });
}

#[test]
fn wrong_places() {
    spoiled("spans spans-non-ascii spans-crlf", |_, found| {
        found
            .dependencies
            .iter_mut()
            .for_each(|one| one.span.end -= 1);
    });
    // Columns in bytes.
    spoiled("spans-non-ascii", |text, found| {
        let start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        for span in found.dependencies.iter_mut().map(|one| &mut one.span) {
            let (from, to) = (span.start as usize, span.end as usize);
            (span.from.column, span.to.column) =
                ((from - start(from)) as u32 + 1, (to - start(to)) as u32 + 1);
        }
    });
    // Offsets into a text whose line ends are all `\n`.
    spoiled("spans-crlf", |text, found| {
        for span in found.dependencies.iter_mut().map(|one| &mut one.span) {
            let dropped = text[..span.start as usize].matches('\r').count() as u32;
            (span.start, span.end) = (span.start - dropped, span.end - dropped);
        }
    });
}

#[test]
fn wrong_findings() {
    spoiled(
        "docstring order spans spans-non-ascii spans-crlf",
        |_, found| {
            found.dependencies.retain(|one| {
                found.docstring.is_none() || !one.text.contains("doc") && one.text != "ref('d')"
            });
            found.docstring = None;
        },
    );
    spoiled("order", |_, found| {
        if found.dependencies.len() == 5 {
            found.dependencies.reverse();
        }
    });
    spoiled("unresolved spans spans-non-ascii spans-crlf", |_, found| {
        found.unresolved.clear()
    });
    spoiled("unresolved", |_, found| {
        found
            .diagnostics
            .retain(|one| one.severity == Severity::Error)
    });
    spoiled("write-problems", |_, found| {
        found
            .diagnostics
            .retain(|one| one.severity != Severity::Error)
    });
    spoiled("write-count", |_, found| {
        found.write_count = WriteCount {
            min: 1,
            max: Some(1),
        }
    });
    spoiled("kind", |_, found| {
        if found.kind == FileKind::DbtNative {
            found.kind = FileKind::Helper;
        }
    });
}

#[test]
fn wrong_manners() {
    fails("syntax-error", |_, answer| match answer {
        Err(ParseError::Syntax(mut diagnostic)) => {
            diagnostic.labels.clear();
            Err(ParseError::Syntax(diagnostic))
        }
        other => other,
    });
    fails("odd-text", |text, answer| {
        if text.contains('\0') {
            Err(PluginError::new("acme::nul", "no NUL, please").into())
        } else {
            answer
        }
    });
    fails("empty-file", |text, answer| {
        assert!(!text.is_empty(), "there is no first line");
        answer
    });
    let count = std::sync::atomic::AtomicU32::new(0);
    spoiled("deterministic threads", move |_, found| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        found.docstring = found.docstring.take().map(|text| format!("{text}{number}"));
    });
}
