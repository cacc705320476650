//! What kind of file it is.

mod common;

use common::agreed;
use fal_plugin::payload::FileKind;

#[test]
fn kinds_are_told_apart() {
    let script = FileKind::Script;
    for (text, kind) in [
        ("write_to_model(1)", script),
        ("def f():\n    return ref('a')", script),
        ("x = list_models()", script),
        ("w = write_to_model", script),
        ("from fal import write_to_model\nwrite_to_model(1)", script),
        ("def model(dbt, session):\n    return dbt.ref('a')", FileKind::DbtNative),
        ("def model(dbt, fal):\n    return dbt.ref('a')", FileKind::DbtNative),
        ("def model(dbt, session):\n    ref = dbt.ref\n    return ref('a')", FileKind::DbtNative),
        ("def model(dbt):\n    pass", FileKind::Helper),
        ("def model(a, b):\n    pass", FileKind::Helper),
        ("class C:\n    def model(dbt, session): ...", FileKind::Helper),
        ("import pandas as pd\ndef clean(source):\n    return source('x')", FileKind::Helper),
        ("from db import ref\nref('a')", FileKind::Helper),
        ("x = fal.ref('a')", FileKind::Helper),
        ("", FileKind::Helper),
    ] {
        assert_eq!(agreed(text).kind, kind, "{text}");
    }
}

#[test]
fn a_file_of_both_kinds_is_an_error() {
    let text = "def model(dbt, session):\n    return dbt.ref('a')\nwrite_to_model(1)\n";
    insta::assert_snapshot!(common::shown(text, &agreed(text).diagnostics), @r#"
    Error model::both_kinds: this file is both a script and a model as dbt defines it
      3:1 `write_to_model(1)` makes it a script
      1:1 `def model(dbt, session):` makes it a model as dbt defines it
      help: in `def model(dbt, session)` use `dbt.ref` and return the DataFrame, or drop the function
    "#);
}
