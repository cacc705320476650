//! The kind of a file.

mod common;

use common::agreed;
use fal_plugin::payload::FileKind;

#[test]
fn kinds_are_distinguished() {
    let script = FileKind::Script;
    for (text, kind) in [
        ("write_to_model(1)", script),
        ("def f():\n    return ref('a')", script),
        ("x = list_models()", script),
        ("w = write_to_model", script),
        ("from fal import write_to_model\nwrite_to_model(1)", script),
        (
            "def model(dbt, session):\n    return dbt.ref('a')",
            FileKind::DbtNative,
        ),
        (
            "def model(dbt, fal):\n    return dbt.ref('a')",
            FileKind::DbtNative,
        ),
        (
            "def model(dbt, session):\n    ref = dbt.ref\n    return ref('a')",
            FileKind::DbtNative,
        ),
        ("def model(dbt):\n    pass", FileKind::Helper),
        ("def model(a, b):\n    pass", FileKind::Helper),
        (
            "class C:\n    def model(dbt, session): ...",
            FileKind::Helper,
        ),
        (
            "import pandas as pd\ndef clean(source):\n    return source('x')",
            FileKind::Helper,
        ),
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

/// A name that a function, lambda, comprehension or loop binds is the file's own, wherever the
/// binding is.
#[test]
fn local_names_make_no_script() {
    for text in [
        "def load(sources):\n    if sources:\n        return [source(1) for source in sources]",
        "def f(obj):\n    if obj is not None:\n        ref = weakref.ref(obj)\n        if ref() is None:\n            pass",
        "def f():\n    try:\n        ref = g()\n    except E:\n        ref = h()\n    return ref('a')",
        "def f(x):\n    if x:\n        for ref in x:\n            ref('a')",
        "def f(x):\n    if x:\n        with x as ref:\n            ref('a')",
        "def f(x):\n    try:\n        x()\n    except E as ref:\n        ref('a')",
        "def f(x):\n    if x:\n        import weakref.ref as ref\n    ref('a')",
        "def f(x):\n    if x:\n        def ref(y): ...\n    ref('a')",
        "def f(x):\n    if x:\n        (ref := x)\n    ref('a')",
        "def f(x):\n    if x:\n        match x:\n            case {'a': ref}:\n                ref('a')",
        "def f(ref, name):\n    return ref(name)",
        "f = lambda ref: ref('a')",
        "if x:\n    {ref('a') for ref in x}",
        "if x:\n    for ref in x:\n        ref('a')",
        "if x:\n    for i, (ref, *_) in x:\n        ref('a')",
        "def f():\n    global ref\n    ref = 1\nref('a')",
        "def f():\n    ref = 1\n    def g():\n        if x:\n            nonlocal ref\n            ref = 2\n        ref('a')",
        "def f[ref](x):\n    ref('a')",
    ] {
        let found = agreed(text);
        assert_eq!((found.kind, found.diagnostics.len()), (FileKind::Helper, 0), "{text}");
    }
}

#[test]
fn names_that_only_look_local_are_the_hosts() {
    for text in [
        "x = [source for source in source('a', 'b')]",
        "class C:\n    ref = 1\n    def f(self):\n        return ref('a')",
        "class C:\n    ref = 1\n    x = [ref('a') for y in z]",
        "def f():\n    ref = 1\n    def g():\n        global ref\n        return ref('a')",
        "def f():\n    class C:\n        ref = 1\n        def g(self):\n            return ref('a')",
        "ref: Callable\nx = ref('a')",
        "try:\n    ref\nexcept NameError:\n    from local import ref\nx = ref('a')",
        "if not hosted:\n    def ref(name): ...\nx = ref('a')",
        "if not hosted:\n    ref, source = fake()\nx = ref('a')",
        "def f():\n    from fal.typing import ref\n    return ref('a')",
    ] {
        assert_eq!(agreed(text).kind, FileKind::Script, "{text}");
    }
}

/// A file that is not meant as a model has no call of `write_to_model` to mark, so the call that
/// made it a model is marked.
#[test]
fn a_script_that_never_writes_is_told_what_made_it_one() {
    let text = "import pandas\n\ndef load():\n    return ref('a')\n";
    insta::assert_snapshot!(common::shown(text, &agreed(text).diagnostics), @r#"
    Error write::never: this model never calls `write_to_model`
      4:12 `ref('a')` makes this file a model
      help: call `write_to_model(df)` exactly once, with the data of the model's table
    "#);
}
