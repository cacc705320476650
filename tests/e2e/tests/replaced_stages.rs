//! Each stage replaced by a plugin that was built outside the workspace, with an effect that shows.

use std::fs;

use fal_e2e::{Ended, Project, foreign_plugin};

fn plugin(stage: &str, name: &str) -> String {
    format!("--plugin={stage}={}", foreign_plugin(name).display())
}

fn generate(project: &Project, stage: &str) -> Ended {
    project.run_host(&["generate", &plugin(stage, "acme-stages")])
}

#[test]
fn a_foreign_python_parser_finds_its_own_kind_of_dependencies() {
    let project = Project::bare();
    project.write("models/a.py", "# needs orders\nthis is no Python\n");
    generate(&project, "python-parser").expect(0);
    assert!(
        project
            .read("models/fal/a.sql")
            .contains("{{ ref('orders') }}")
    );
}

#[test]
fn a_foreign_notebook_parser_claims_its_own_extension() {
    let project = Project::bare();
    project.write(
        "models/a.pynb",
        "# %%\ndf = ref('orders')\n# %%\nwrite_to_model(df)\n",
    );
    project.run_host("generate").expect(0);
    assert!(
        !project.has("models/fal/a.sql"),
        "without the plugin the file is no model"
    );
    generate(&project, "notebook-parser").expect(0);
    assert!(
        project
            .read("models/fal/a.sql")
            .contains("{{ ref('orders') }}")
    );
}

#[test]
fn a_foreign_stub_writer_writes_its_own_stubs_where_it_wants_them() {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    generate(&project, "stub-writer")
        .expect(0)
        .says("Wrote models/acme/a.sql");
    let stub = project.read("models/acme/a.sql");
    assert!(
        stub.starts_with("-- ACME STUB\n") && stub.contains("-- {{ ref('orders') }}"),
        "{stub}"
    );
    assert!(!project.has("models/fal/a.sql"));
}

#[test]
fn a_foreign_execution_backend_runs_the_models() {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(None)\n");
    let ended = project.run_host(&["run", &plugin("execution-backend", "acme-stages")]);
    ended
        .expect(0)
        .says("a | acme ran model.acme.a from models/a.py");
    let results = project.json("target/run_results.json");
    assert_eq!(results["results"][0]["unique_id"], "model.acme.a");
    assert_eq!(results["results"][0]["status"], "success");
}

#[test]
fn one_library_fills_all_four_stages_of_one_run() {
    fills_all_four_stages("acme-stages");
}

/// Interface 1.0, with another optimisation level and another patch version of abi_stable.
#[test]
fn a_plugin_of_the_first_interface_runs_in_todays_host() {
    fills_all_four_stages("acme-first");
}

/// Interface 1.1, from the source of `acme-stages`.
#[test]
fn a_plugin_of_the_second_interface_runs_in_todays_host() {
    fills_all_four_stages("acme-second");
}

fn fills_all_four_stages(name: &str) {
    let project = Project::bare();
    project
        .write("models/a.py", "# needs b\n")
        .write("models/b.pynb", "# %%\n# needs orders\n");
    let stages = [
        "python-parser",
        "notebook-parser",
        "stub-writer",
        "execution-backend",
    ];
    let flags = stages.map(|stage| plugin(stage, name));
    let mut words = vec!["run"];
    words.extend(flags.iter().map(String::as_str));
    let ended = project.run_host(&words);
    ended
        .expect(0)
        .says("acme ran model.acme.b from models/b.pynb")
        .says("acme ran model.acme.a from models/a.py");
    assert!(project.has("models/acme/a.sql") && project.has("models/acme/b.sql"));
}

/// The project names a folder with its plugin library.
fn with_own_plugin(config: &str) -> Project {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    let library = foreign_plugin("acme-stages");
    let name = library.file_name().unwrap().to_str().unwrap();
    project.write(&format!("runners/{name}"), fs::read(&library).unwrap());
    project.write(
        "fal_project.yml",
        format!("plugins:\n  paths: [./runners]\n  stub-writer: acme-stages\n{config}"),
    );
    project
}

#[test]
fn paths_that_a_project_names_need_trust() {
    let project = with_own_plugin("");
    let ended = project.run_host("generate");
    ended.expect(2);
    insta::assert_snapshot!(fal_e2e::redact(&ended.stderr, &project), @r"
    error: fal_project.yml names the plugin path `PROJECT/./runners`, which is not trusted [plugin::untrusted]
    help: a plugin is code that runs with your rights. If you trust this project, pass `--trust-project-plugins`, or record it once with `fal-host plugin trust`
    ");
    assert!(!project.has("models/acme/a.sql") && !project.has("models/fal/a.sql"));

    project
        .run_host("generate --trust-project-plugins")
        .expect(0);
    assert!(project.has("models/acme/a.sql"));
    project.run_host("generate").expect(2).says("not trusted");
}

#[test]
fn recorded_trust_holds_until_a_library_changes() {
    let project = with_own_plugin("");
    let trusted = project.run_host("plugin trust");
    trusted.expect(0);
    insta::assert_snapshot!(fal_e2e::redact(&trusted.stderr, &project), @"Trusted 1 plugin paths of PROJECT");
    project.run_host("generate").expect(0);
    assert!(project.has("models/acme/a.sql"));

    let other = foreign_plugin("acme-panics");
    project.write("runners/libother.so", fs::read(other).unwrap());
    project.run_host("generate").expect(2).says("not trusted");
}

#[test]
fn the_configuration_reaches_the_plugin_and_is_checked_against_its_schema() {
    let trust = ["generate", "--trust-project-plugins"];
    let project = with_own_plugin("  config: {acme-stages: {heading: MADE BY ACME}}\n");
    project.run_host(&trust).expect(0);
    assert!(
        project
            .read("models/acme/a.sql")
            .starts_with("-- MADE BY ACME\n")
    );

    for (config, snapshot) in [
        ("{heading: 7}", "`heading`: 7 is not of type \"string\""),
        ("{colour: red}", "'colour' was unexpected"),
    ] {
        let project = with_own_plugin(&format!("  config: {{acme-stages: {config}}}\n"));
        let ended = project.run_host(&trust);
        ended
            .expect(2)
            .says("the configuration of the plugin `acme-stages` in fal_project.yml is wrong")
            .says(snapshot);
        assert!(!project.has("models/acme/a.sql"));
    }
}
