//! Cases on the dependencies of a file.

use fal_plugin::{
    PythonParser,
    payload::{DependencyKind, DependencyOrigin, Severity},
};

use super::{analysed, texts};
use crate::case::{Verdict, ensure, quoted};

fn finds(parser: &dyn PythonParser, text: &str, expected: &[&str]) -> Verdict {
    let analysis = analysed(parser, text)?;
    gives(text, &texts(&analysis), expected)
}

fn gives(text: &str, found: &[&str], expected: &[&str]) -> Verdict {
    ensure!(
        found == expected,
        "{} gave {found:?}, not {expected:?}",
        quoted(text)
    );
    Ok(())
}

fn finds_all(parser: &dyn PythonParser, table: &[(&str, &[&str])]) -> Verdict {
    table
        .iter()
        .try_for_each(|(text, expected)| finds(parser, text, expected))
}

pub(super) fn calls(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[
            ("write_to_model(ref('a'))", &["ref('a')"]),
            ("write_to_model(ref(\"a\"))", &["ref('a')"]),
            (
                "df = ref('package', 'a')\nwrite_to_model(df)",
                &["ref('package', 'a')"],
            ),
            (
                "write_to_model(source('raw', 'orders'))",
                &["source('raw', 'orders')"],
            ),
            (
                "write_to_model(ref('a', version=2))",
                &["ref('a', version=2)"],
            ),
            ("f = lambda: ref('a')\nwrite_to_model(f())", &["ref('a')"]),
            (
                "ref('a', columns=['x'], where='x > 1', limit=3)\nwrite_to_model(1)",
                &["ref('a')"],
            ),
        ],
    )?;
    let analysis = analysed(
        parser,
        "write_to_model(ref('p', 'a', v=2))\nsource('raw', 'orders')",
    )?;
    let found: Vec<_> = analysis
        .dependencies
        .iter()
        .map(|one| {
            (
                one.kind,
                one.args.join(" "),
                one.version.clone(),
                one.origin,
            )
        })
        .collect();
    let code = DependencyOrigin::Code;
    let expected = [
        (
            DependencyKind::Ref,
            "p a".to_owned(),
            Some("2".to_owned()),
            code,
        ),
        (DependencyKind::Source, "raw orders".to_owned(), None, code),
    ];
    ensure!(
        found == expected,
        "kind, args, version and origin are {found:?}, not {expected:?}"
    );
    Ok(())
}

pub(super) fn docstring(parser: &dyn PythonParser) -> Verdict {
    let text = "\"\"\"Sums up.\n\n- ref('b')\n- source('raw', 't'), ref(\"a\")\n\"\"\"\nwrite_to_model(1)\n";
    let analysis = analysed(parser, text)?;
    let expected = ["ref('b')", "ref(\"a\")", "source('raw', 't')"];
    gives(text, &texts(&analysis), &expected)?;
    let origins = analysis
        .dependencies
        .iter()
        .all(|one| one.origin == DependencyOrigin::Docstring);
    ensure!(
        origins,
        "the origin of a dependency in the docstring is not `docstring`"
    );
    let kept = analysis
        .docstring
        .as_deref()
        .is_some_and(|text| text.starts_with("Sums up."));
    ensure!(kept, "`docstring` is {:?}", analysis.docstring);
    finds(parser, "x = 1\n'''ref('a')'''\nwrite_to_model(1)", &[])
}

pub(super) fn order(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[
            (
                "'''ref('d')'''\nsource('s', 'x')\nf(g(ref('deep')))\nref('b')\nref('a')\nwrite_to_model(1)",
                &[
                    "ref('d')",
                    "ref('b')",
                    "ref('a')",
                    "ref('deep')",
                    "source('s', 'x')",
                ],
            ),
            (
                "ref('b')\nref('a')\nref('b')\nwrite_to_model(1)",
                &["ref('b')", "ref('a')", "ref('b')"],
            ),
        ],
    )
}

pub(super) fn not_ours(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[
            ("write_to_model(dbt.ref('a'))", &[]),
            ("# ref('a')\nx = \"ref('b')\"\nwrite_to_model(x)", &[]),
            ("from lib import ref\nwrite_to_model(ref('a'))", &[]),
            ("def ref(name): ...\nwrite_to_model(ref('a'))", &[]),
        ],
    )
}

pub(super) fn unresolved(parser: &dyn PythonParser) -> Verdict {
    let text = "import os\nwrite_to_model(ref(os.environ['TABLE']))\n";
    let analysis = analysed(parser, text)?;
    let calls: Vec<_> = analysis
        .unresolved
        .iter()
        .map(|call| (call.kind, call.span.from.line))
        .collect();
    ensure!(
        calls == [(DependencyKind::Ref, 2)],
        "`unresolved` of {} is {calls:?}, kind and line",
        quoted(text)
    );
    ensure!(
        analysis.dependencies.is_empty(),
        "{} gave {:?}",
        quoted(text),
        texts(&analysis)
    );
    let diagnostic = analysis.diagnostics.iter().find(|one| {
        one.labels
            .first()
            .is_some_and(|label| label.span.from.line == 2)
    });
    ensure!(
        diagnostic.is_some_and(|one| one.severity != Severity::Error),
        "there is no warning for line 2 of {}",
        quoted(text)
    );
    let settled = analysed(parser, &format!("'''ref('a')'''\n{text}"))?;
    ensure!(
        settled.diagnostics.is_empty(),
        "the docstring names the model, and there is a problem all the same: {:?}",
        settled.diagnostics
    );
    Ok(())
}

pub(super) fn bindings(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[
            ("NAME = 'a'\nwrite_to_model(ref(NAME))", &["ref('a')"]),
            (
                "S, T = 'raw', 'orders'\nwrite_to_model(source(S, T))",
                &["source('raw', 'orders')"],
            ),
            // Names that may change are not resolved.
            ("NAME = 'a'\nNAME = 'b'\nwrite_to_model(ref(NAME))", &[]),
        ],
    )
}

pub(super) fn loops(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[
            (
                "for name in ['a', 'b']:\n    ref(name)\nwrite_to_model(1)",
                &["ref('a')", "ref('b')"],
            ),
            (
                "write_to_model([ref(name) for name in ('a', 'b')])",
                &["ref('a')", "ref('b')"],
            ),
        ],
    )
}

pub(super) fn sql(parser: &dyn PythonParser) -> Verdict {
    finds_all(
        parser,
        &[(
            "write_to_model(execute_sql(\"select * from {{ ref('a') }} join {{ source('s', 't') }}\"))",
            &["ref('a')", "source('s', 't')"],
        )],
    )
}

pub(super) fn imports(parser: &dyn PythonParser) -> Verdict {
    let text =
        "import a.b, c as d\nfrom .x import y\nfrom a.b import q\ndef f():\n    import late\n";
    let analysis = analysed(parser, text)?;
    let found: Vec<_> = analysis
        .imports
        .iter()
        .map(|one| one.module.as_str())
        .collect();
    gives(text, &found, &["a.b", "c", ".x", "late"])
}
