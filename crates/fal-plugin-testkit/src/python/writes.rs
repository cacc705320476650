//! Cases on the kind of a file and on how often it writes.

use fal_plugin::{
    PythonParser,
    payload::{FileKind, Severity},
};

use super::{analysed, spans::marked};
use crate::case::{Verdict, ensure, quoted};

pub(super) fn kinds(parser: &dyn PythonParser) -> Verdict {
    for (text, expected) in [
        ("write_to_model(1)", FileKind::Script),
        ("def f():\n    return ref('a')", FileKind::Script),
        (
            "def model(dbt, session):\n    return dbt.ref('a')",
            FileKind::DbtNative,
        ),
        (
            "def model(dbt, fal):\n    return dbt.ref('a')",
            FileKind::DbtNative,
        ),
        ("def model(dbt):\n    pass", FileKind::Helper),
        (
            "import pandas as pd\ndef clean(df):\n    return df.dropna()",
            FileKind::Helper,
        ),
    ] {
        let found = analysed(parser, text)?.kind;
        ensure!(
            found == expected,
            "{} is {found:?}, not {expected:?}",
            quoted(text)
        );
    }
    Ok(())
}

pub(super) fn counts(parser: &dyn PythonParser) -> Verdict {
    for (text, expected) in [
        ("write_to_model(df)", (1, Some(1))),
        ("list_models()", (0, Some(0))),
        ("write_to_model(a)\nwrite_to_model(b)", (2, Some(2))),
        (
            "if a:\n    write_to_model(a)\nelse:\n    write_to_model(b)",
            (1, Some(1)),
        ),
        ("if a:\n    write_to_model(a)", (0, Some(1))),
        (
            "if a:\n    write_to_model(a)\nwrite_to_model(b)",
            (1, Some(2)),
        ),
        ("for x in y:\n    write_to_model(x)", (0, None)),
        (
            "while True:\n    write_to_model(x)\n    break",
            (1, Some(1)),
        ),
    ] {
        let count = analysed(parser, text)?.write_count;
        let found = (count.min, count.max);
        ensure!(
            found == expected,
            "{} has the count {found:?}, not {expected:?}",
            quoted(text)
        );
    }
    let text = "for x in y:\n    write_to_model(x)";
    let writes = analysed(parser, text)?.writes;
    ensure!(
        writes.len() == 1 && writes[0].in_loop,
        "the write in {} is not known to stand in a loop",
        quoted(text)
    );
    Ok(())
}

pub(super) fn problems(parser: &dyn PythonParser) -> Verdict {
    for text in [
        "write_to_model(a)\nwrite_to_model(b)\n",
        "df = ref('a')\n",
        "for x in ref('a'):\n    write_to_model(x)\n",
    ] {
        let analysis = analysed(parser, text)?;
        let error = analysis
            .diagnostics
            .iter()
            .find(|one| one.severity == Severity::Error);
        let Some(error) = error else {
            ensure!(false, "{} has no error", quoted(text));
            continue;
        };
        ensure!(
            !error.code.is_empty() && !error.message.is_empty(),
            "the error of {} has no code or no message",
            quoted(text)
        );
        ensure!(
            !error.labels.is_empty(),
            "the error of {} has no place",
            quoted(text)
        );
        error
            .labels
            .iter()
            .try_for_each(|label| marked(text, label.span).map(drop))?;
    }
    let clean = analysed(parser, "write_to_model(ref('a'))\n")?;
    ensure!(
        clean.diagnostics.is_empty(),
        "a model without fault has problems: {:?}",
        clean.diagnostics
    );
    Ok(())
}
