//! `fal-host plugin new` from outside: what it refuses, and the plugins in Python that need no dbt. Those of the guide are built and
//! run in `guide.rs`.

use fal_e2e::{Project, redact};

#[test]
fn nothing_is_overwritten() {
    let project = Project::bare();
    project.write("acme-stubs/src/lib.rs", "mine");
    let before = project.tree();
    let ended = project.run_host("plugin new acme-stubs --stage stub-writer");
    ended.expect(2);
    insta::assert_snapshot!(redact(&ended.stderr, &project), @r"
    error: acme-stubs already exists, and nothing is overwritten
    help: take another name, or for a plugin another folder with `--dir`
    ");
    assert_eq!(project.tree(), before);
    project
        .run_host("plugin new acme-stubs --stage stub-writer --dir elsewhere/stubs")
        .expect(0);
    assert!(
        project
            .read("elsewhere/stubs/Cargo.toml")
            .contains("name = \"acme-stubs\"")
    );
}

#[test]
fn what_cannot_be_is_told() {
    let project = Project::bare();
    let before = project.tree();
    let output = |words: &str| {
        let ended = project.run_host(format!("plugin new {words}"));
        ended.expect(2);
        redact(&ended.stderr, &project)
    };
    insta::assert_snapshot!(output("'Acme Stubs' --stage stub-writer"), @r"
    error: `Acme Stubs` cannot be the name of a plugin: only small letters of ASCII, digits, `-` and `_` can be in it
    help: take small letters, digits and `-`, as `acme-stubs`
    ");
    insta::assert_snapshot!(output("acme --stage python-parser --language python"), @r"
    error: `plugin new` has no template of a python-parser in Python
    help: leave out `--language`: the template in Rust shows all that a python-parser needs; any other language can fill the stage too, see docs/plugins/processes.md
    ");
    insta::assert_snapshot!(output("acme --stage stub-writer --interface models"), @r"
    error: models is no folder of the plugin interface: it has no fal-plugin/Cargo.toml
    help: name the folder that holds `fal-plugin` and `fal-plugin-testkit`: lib/fal-host/interface of an installation, or `crates` of a checkout
    ");
    assert_eq!(project.tree(), before);
}

/// Its contract holds, and its example's stubs are written.
fn in_python(stage: &str) -> Project {
    let project = Project::bare();
    project
        .run(format!("plugin new acme --stage {stage} --language python"))
        .expect(0);
    project
        .run("plugin check acme/acme.fal-plugin")
        .expect(0)
        .says(" 0 failed");
    project
        .run("generate --project-dir acme/example --trust-project-plugins")
        .expect(0);
    project
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_stub_writer_in_python() {
    let stub = in_python("stub-writer").read("acme/example/models/generated/large_orders.sql");
    assert!(
        stub.starts_with("-- Written by acme, ") && stub.contains("-- {{ ref('orders') }}\n"),
        "{stub}"
    );
}

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn a_notebook_parser_in_python() {
    let stub = in_python("notebook-parser").read("acme/example/models/fal/large_orders.sql");
    assert!(stub.contains("{{ ref('orders') }}"), "{stub}");
}
