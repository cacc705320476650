//! Hostile texts in files that are read, and hostile code in models that run.

use super::{ESCAPE, MODEL, Place, Trial};

/// A notebook whose numbers and source have the wrong types.
const NUMBERS: &str = r#"{"nbformat": 4, "metadata": null,
    "cells": [{"cell_type": "code", "source": [1, null, {}]}]}"#;

/// Each of these files is refused; the commands that read all of them name all.
#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn files_that_cannot_be_read() {
    let mut trial = Trial::default();
    trial.together("files that cannot be read", [2, 2, 0, 2], |place| {
        let long = "a".repeat(70_000);
        let branch = |n: u32| format!("elif x == {n}:\n    pass\n");
        let branches: String = (0..50_000).map(branch).collect();
        let merge = "<<<<<<< HEAD\nx = 1\n=======\n>>>>>>> other\n";
        for (name, content) in [
            (
                "escapes.py",
                format!("x = '{ESCAPE}'\nref('{ESCAPE}')\nx = (\n"),
            ),
            ("long_line.py", format!("x = \"{long}\" +\n")),
            ("long_line.ipynb", format!("{{\"cells\": [\"{long}")),
            (
                "branches.py",
                format!("x = 1\nif x:\n    pass\n{branches}{MODEL}"),
            ),
            (
                "parentheses.py",
                format!("x = {}\n{MODEL}", "(".repeat(100_000)),
            ),
            (
                "operators.py",
                format!("x = {}1\n{MODEL}", "1 + ".repeat(100_000)),
            ),
            ("codec.py", format!("# coding: uft-8\n{MODEL}")),
            ("nul.py", format!("x = 1\0\n{MODEL}")),
            ("merge.ipynb", merge.replace("x = 1", "{}")),
            ("merge.py", format!("{merge}{MODEL}")),
            (
                "json.ipynb",
                r#"{"cells": 7, "nbformat": 1e999}"#.to_owned(),
            ),
            ("numbers.ipynb", NUMBERS.to_owned()),
            ("deep.ipynb", "[".repeat(1_000_000)),
        ] {
            place.write(format!("models/{name}"), content);
        }
        place.sparse("models/large.py", 3 << 30);
        place.sparse("models/large.ipynb", 3 << 30);
        place.link("models/passwd.py", "/etc/passwd");
    });
    trial.finish();
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn texts() {
    let mut trial = Trial::default();
    let query = "run_query(\"create table pwned as select 1\")";
    let jinja = r#"write_to_model(ref("ok') }} {{ run_query('create table pwned as select 1') }} {{ ref('ok"))"#;
    trial.case("escapes in a ref", |place| {
        place.write("models/x.py", format!("write_to_model(ref('{ESCAPE}'))\n"));
    });
    trial.case("Jinja in a ref", |place| place.write("models/x.py", jinja));
    trial.case("escapes in a plugin's path", |place| {
        let settings = "plugins: {paths: [\"/tmp/\\e[31mevil\"]}\n";
        place.write("fal_project.yml", settings);
    });
    trial.case("a plugin of the project", |place| {
        place.write("evil.so", "not a library");
        place.write("fal_project.yml", "plugins: {python-parser: ./evil.so}\n");
    });
    let escape = "\\e]0;PWN\\a";
    for (model, meta) in [
        ("py", format!("runner: \"{escape}\"")),
        ("ok", format!("scripts: {{after: [\"{escape}.py\"]}}")),
    ] {
        trial.case(&format!("escapes in the settings of {model}"), |place| {
            let settings = format!("models: [{{name: {model}, meta: {{fal: {{{meta}}}}}}}]\n");
            place.write("models/x.yml", settings);
        });
    }
    trial.together("texts that run", [0; 4], |place| {
        let docstring = format!("'''- ref('ok') }}}}{{{{ {query} }}}}{{{{ ref('ok')'''\n");
        place.write("models/jinja.py", docstring + MODEL);
        let environment = format!("{{name: \"{escape}\", requirements: [\"{escape}\"]}}");
        place.write(
            "fal_project.yml",
            format!("environments: [{environment}]\n"),
        );
    });
    trial.finish();
}

/// Models that share a project: names, how they end, and what they do to their processes before or
/// after the write.
const CODE: [(&str, &str, &str, &str); 12] = [
    (
        "big_error",
        "error",
        "",
        "raise ValueError('x' * 9_000_000)",
    ),
    (
        "long_error",
        "error",
        "",
        "raise ValueError('x\\n' * 2_000_000)",
    ),
    (
        "escapes",
        "error",
        "print('ESCAPE')",
        "raise ValueError('ESCAPE')",
    ),
    ("long_line", "success", "print('x' * 50_000_000)", ""),
    ("exits", "error", "import os", "os._exit(0)"),
    (
        "kills_itself",
        "error",
        "import os",
        "os.kill(os.getpid(), 9)",
    ),
    ("closes", "error", "import os", "os.closerange(0, 1000)"),
    (
        "detaches",
        "success",
        "import subprocess\nsubprocess.Popen(['sleep', '600'], env={}, start_new_session=True)",
        "",
    ),
    (
        "unloads",
        "success",
        "import sys",
        "sys.modules.clear()\nimport re",
    ),
    (
        "odd_words",
        "error",
        "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError('no')\n    __repr__ = __str__",
        "raise Odd",
    ),
    (
        "circle",
        "error",
        "a, b = ValueError('a'), ValueError('b')",
        "a.__cause__, b.__cause__ = b, a\nraise a",
    ),
    ("recursion", "error", "", "def f():\n    f()\nf()"),
];

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn code() {
    let (place, mut trial) = (Place::new(), Trial::default());
    let generator = "def rows():\n    yield ref('ok')\n    raise ValueError('x' * 9_000_000)\nwrite_to_model(rows())\n";
    place.write("models/generator.py", generator);
    for (name, _, before, after) in CODE {
        let code = format!("{before}\n{MODEL}{after}\n").replace("ESCAPE", ESCAPE);
        place.write(format!("models/{name}.py"), code);
    }
    let [.., ran] = trial.run_all("code", &place);
    trial.finish();
    assert_eq!(ran["code"], 1, "{}", ran["stderr"]);
    let mut expected = ["generator error", "ok success", "py success"]
        .map(str::to_owned)
        .to_vec();
    expected.extend(CODE.map(|(name, status, ..)| format!("{name} {status}")));
    expected.sort();
    assert_eq!(place.project.results(), expected);
}

#[test]
#[ignore = "needs dbt: cargo xtask test"]
fn code_that_harms_other_models() {
    let mut trial = Trial::default();
    for code in [
        "import os\nos.kill(os.getppid(), 9)\n",
        "import shutil\nshutil.rmtree('target', ignore_errors=True)\n",
    ] {
        trial.case(code, |place| {
            place.write("models/x.py", format!("{MODEL}{code}"))
        });
    }
    trial.finish();
}
