//! Misbehaving libraries: each gives one clear error with the plugin's name, and exit code 2.

use std::{fs, path::Path};

use fal_e2e::{Project, foreign_plugin, redact};

const STAGES: [&str; 4] = [
    "python-parser",
    "notebook-parser",
    "stub-writer",
    "execution-backend",
];

fn project() -> Project {
    let project = Project::bare();
    project.write("models/a.py", "write_to_model(ref('orders'))\n");
    let notebook = r#"{"cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": null,
        "source": "write_to_model(ref('orders'))"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 2}"#;
    project.write("models/b.ipynb", notebook);
    project
}

/// The output of `generate` (for the backend: `run`) in each stage, once if it is always the same.
fn errors(library: &Path) -> String {
    let errors = STAGES.map(|stage| {
        let project = project();
        let command = if stage == "execution-backend" {
            "run"
        } else {
            "generate"
        };
        let ended =
            project.run_host(&[command, &format!("--plugin={stage}={}", library.display())]);
        ended.expect(2);
        let errors = ended
            .stderr
            .lines()
            .filter(|line| line.starts_with("error:"))
            .count();
        assert!(
            errors == 1 && !ended.stderr.contains("thread '"),
            "one error and nothing else\n{ended}"
        );
        assert_eq!(ended.stdout, "", "{ended}");
        let said = redact(&ended.stderr, &project);
        let folder = library.parent().unwrap().display().to_string();
        project.nothing_is_left();
        said.replace(&folder, "FOLDER")
    });
    if errors.iter().all(|error| *error == errors[0]) {
        return format!("every stage:\n{}", errors[0]);
    }
    let errors = STAGES.iter().zip(errors);
    errors
        .map(|(stage, error)| format!("{stage}:\n{error}"))
        .collect()
}

#[test]
fn a_text_file_with_the_name_of_a_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libacme_text.so");
    fs::write(
        &path,
        "just text, and rather long for a header of any kind\n".repeat(50),
    )
    .unwrap();
    insta::assert_snapshot!(errors(&path), @r"
    every stage:
    error: `FOLDER/libacme_text.so` is not a library that this system can load: invalid ELF header [plugin::load]
    help: `fal-host plugin list` shows every plugin that was found, and why one did not load
    ");
}

#[test]
fn a_library_of_another_interface() {
    insta::assert_snapshot!(errors(&foreign_plugin("acme-old-interface")), @r"
    every stage:
    error: the plugin `acme-old-interface` 0.3.0 (`PLUGINS/libacme_old_interface.so`) was built for version 0.9.0 of the plugin interface; this fal-host has 1.2.0 [plugin::load]
    help: rebuild the plugin with the fal-plugin version of this fal-host, or install a build that fits
    ");
}

#[test]
fn a_library_of_another_layout() {
    insta::assert_snapshot!(errors(&foreign_plugin("acme-other-layout")), @r"
    every stage:
    error: the plugin `acme-other-layout` (`PLUGINS/libacme_other_layout.so`) has another binary interface: Compared <this>: --- Type Layout --- type:PrefixRef<'a, PluginRoot> size:8 align:8 package:'abi_stable' version:'0.11.3' line:392 mod:abi_stable::prefix_type::prefix_ref [plugin::load]
    help: rebuild the plugin with the fal-plugin version of this fal-host, or install a build that fits
    ");
}

#[test]
fn a_plugin_that_panics() {
    insta::assert_snapshot!(errors(&foreign_plugin("acme-panics")), @r"
    python-parser:
    error: the python parser failed on models/a.py and 1 more: the plugin `acme-panics` panicked in `parse`: panicked at acme-panics/src/lib.rs:16:9: cannot stand models/a.py [plugin::panic]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    notebook-parser:
    error: the notebook parser failed on models/b.ipynb: the plugin `acme-panics` panicked in `parse`: panicked at acme-panics/src/lib.rs:26:9: cannot stand models/b.ipynb [plugin::panic]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    stub-writer:
    error: the stub writer failed on models/a.py and 1 more: the plugin `acme-panics` panicked in `render`: panicked at acme-panics/src/lib.rs:36:9: cannot stand a.py [plugin::panic]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    execution-backend:
    error: the plugin `acme-panics` panicked in `open`: panicked at acme-panics/src/lib.rs:54:9: cannot stand run [plugin::panic]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    ");
}

#[test]
fn a_plugin_that_answers_nonsense() {
    insta::assert_snapshot!(errors(&foreign_plugin("acme-nonsense")), @r"
    python-parser:
    error: the python parser failed on models/a.py and 1 more: the plugin `acme-nonsense` answered `parse` with something unreadable: expected value at line 1 column 1 in `colourless green ideas sleep furiously` [plugin::bad_answer]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    notebook-parser:
    error: the notebook parser failed on models/b.ipynb: the plugin `acme-nonsense` answered `parse` with something unreadable: expected value at line 1 column 1 in `colourless green ideas sleep furiously` [plugin::bad_answer]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    stub-writer:
    error: the stub writer failed on models/a.py and 1 more: the plugin `acme-nonsense` answered `render` with something unreadable: expected value at line 1 column 1 in `colourless green ideas sleep furiously` [plugin::bad_answer]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    execution-backend:
    error: the plugin `acme-nonsense` answered `open` with something unreadable: expected value at line 1 column 1 in `colourless green ideas sleep furiously` [plugin::bad_answer]
    help: this is a fault of the plugin: report it to its author, or choose another with `--plugin`
    ");
}

#[test]
fn a_library_that_is_missing_and_a_flag_that_makes_no_sense() {
    let project = project();
    for (flag, said) in [
        ("--plugin=stub-writer=./no/such.so", "there is no file"),
        (
            "--plugin=stub-writer=no-such-plugin",
            "no plugin `no-such-plugin` for the stage `stub-writer` was found",
        ),
        (
            "--plugin=stubs=./x.so",
            "`--plugin stubs=./x.so` is not STAGE=NAME_OR_PATH",
        ),
        (
            "--plugin=stub-writer=fal-notebook-parser",
            "does not fill the stage `stub-writer`; it fills `notebook-parser`",
        ),
    ] {
        project.run_host(&["generate", flag]).expect(2).says(said);
    }
}

#[test]
fn plugin_list_has_a_row_for_every_library_also_for_broken_ones() {
    let project = project();
    let folder = project.home().join("plugins");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("libacme_text.so"), "just text\n".repeat(100)).unwrap();
    for name in [
        "acme-stages",
        "acme-old-interface",
        "acme-other-layout",
        "acme-panics",
        "acme-nonsense",
    ] {
        let library = foreign_plugin(name);
        fs::copy(&library, folder.join(library.file_name().unwrap())).unwrap();
    }
    let list = |words: &[&str]| {
        let mut command = project.host(words);
        command.env("FAL_PLUGIN_PATH", &folder);
        project.finish(command)
    };
    let ended = list(&["plugin", "list"]);
    ended.expect(0);
    insta::assert_snapshot!(redact(&ended.stdout, &project), @r"
    acme-nonsense              0.3.0    ok          python-parser, notebook-parser, stub-writer, execution-backend FAL_PLUGIN_PATH
        HOME/plugins/libacme_nonsense.so
    libacme_old_interface.so   -        not loaded                                   FAL_PLUGIN_PATH
        HOME/plugins/libacme_old_interface.so
        why: the plugin `acme-old-interface` 0.3.0 (`HOME/plugins/libacme_old_interface.so`) was built for version 0.9.0 of the plugin interface; this fal-host has 1.2.0
    libacme_other_layout.so    -        not loaded                                   FAL_PLUGIN_PATH
        HOME/plugins/libacme_other_layout.so
        why: the plugin `acme-other-layout` (`HOME/plugins/libacme_other_layout.so`) has another binary interface: Compared <this>: --- Type Layout --- type:PrefixRef<'a, PluginRoot> size:8 align:8 package:'abi_stable' version:'0.11.3' line:392 mod:abi_stable::prefix_type::prefix_ref
    acme-panics                0.3.0    ok          python-parser, notebook-parser, stub-writer, execution-backend FAL_PLUGIN_PATH
        Panics wherever it is called
        HOME/plugins/libacme_panics.so
    acme-stages                0.3.0    ok          python-parser, notebook-parser, stub-writer, execution-backend FAL_PLUGIN_PATH
        All four stages, each in its own visible way
        HOME/plugins/libacme_stages.so
    libacme_text.so            -        not loaded                                   FAL_PLUGIN_PATH
        HOME/plugins/libacme_text.so
        why: `HOME/plugins/libacme_text.so` is not a library that this system can load: invalid ELF header
    fal-ray-runner             0.1.0    ok          execution-backend                installation
        Runs Python models as tasks of a Ray cluster
        REPOSITORY/plugins/fal-ray-runner/fal-ray-runner.fal-plugin
    fal-command-runner         0.1.0    ok          execution-backend                installation
        Runs Python models by any command: ssh, kubectl, docker, sbatch
        INSTALLATION/libfal_command_runner.so
    fal-dbt-backend            0.1.0    ok          execution-backend                installation
        Runs SQL with dbt and Python models in processes of their own
        INSTALLATION/libfal_dbt_backend.so
    fal-notebook-parser        0.1.0    ok          notebook-parser                  installation
        Reads Jupyter notebooks
        INSTALLATION/libfal_notebook_parser.so
    fal-python-parser          0.1.0    ok          python-parser                    installation
        Reads Python with rustpython-parser
        INSTALLATION/libfal_python_parser.so
    fal-python-parser-ruff     0.1.0    ok          python-parser                    installation
        Reads Python with ruff_python_parser, also newer grammar
        INSTALLATION/libfal_python_parser_ruff.so
    fal-stub-writer            0.1.0    ok          stub-writer                      installation
        Writes ephemeral SQL stubs with a checksum
        INSTALLATION/libfal_stub_writer.so

    Searched, the first wins:
      HOME/plugins
      HOME/.local/share/fal-host/plugins
      INSTALLATION/plugins
      REPOSITORY/plugins/fal-ray-runner
      INSTALLATION
    ");

    let ended = list(&["plugin", "list", "--output", "json"]);
    let listing: serde_json::Value = serde_json::from_str(&ended.expect(0).stdout).unwrap();
    let rows = listing["rows"].as_array().unwrap();
    let broken = rows.iter().filter(|row| !row["error"].is_null()).count();
    assert_eq!((rows.len(), broken), (6 + 7, 3), "{listing:#}");
}
