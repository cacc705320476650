//! The door against libraries that were built outside the workspace, well-behaved and not.

use std::{
    collections::BTreeMap,
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use fal_host::plugins::{LoadOptions, LoadedPlugin, PluginChoice, PluginStages, SearchPath};
use fal_plugin::{NotebookParser, PythonParser, StubWriter, manifest::Stage};
use fal_plugin_testkit::{Need, check_library};
use serde_json::json;

/// Builds the plugins of `tests/plugins` once and gives their folder.
static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plugins");
    let target = workspace.join("target");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .unwrap();
    assert!(status.success());
    target.join("debug")
});

fn library(name: &str) -> PathBuf {
    BUILT.join(format!(
        "{DLL_PREFIX}{}{DLL_SUFFIX}",
        name.replace('-', "_")
    ))
}

fn refusal(path: &Path) -> String {
    let text = LoadedPlugin::load(path, &LoadOptions::default())
        .unwrap_err()
        .to_string();
    text.replace(&path.display().to_string(), "LIBRARY")
}

fn stages(stage: Stage, plugin: &str) -> PluginStages {
    let flag = format!("{stage}={}", library(plugin).display());
    PluginStages::new(
        PluginChoice::default().with_flags(&[flag]).unwrap(),
        SearchPath::default(),
    )
}

#[test]
fn a_text_file_is_no_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{DLL_PREFIX}text{DLL_SUFFIX}"));
    fs::write(
        &path,
        "just text, and rather long for a header of any kind\n".repeat(50),
    )
    .unwrap();
    assert!(
        refusal(&path).starts_with("`LIBRARY` is not a library that this system can load: "),
        "{}",
        refusal(&path)
    );
}

#[test]
fn a_missing_file_is_named() {
    assert_eq!(
        refusal(Path::new("/nonexistent/libx.so")),
        "there is no file `LIBRARY`"
    );
}

#[test]
fn a_library_of_another_interface_is_refused_with_both_versions() {
    let ours = fal_plugin::manifest::INTERFACE_VERSION;
    assert_eq!(
        refusal(&library("acme-old-interface")),
        format!(
            "the plugin `acme-old-interface` 0.3.0 (`LIBRARY`) was built for version 0.9.0 of the plugin interface; \
             this fal-host has {ours}"
        )
    );
}

#[test]
fn a_library_of_another_layout_is_refused() {
    let text = refusal(&library("acme-other-layout"));
    assert!(
        text.starts_with(
            "the plugin `acme-other-layout` (`LIBRARY`) has another binary interface: "
        ),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn all_stages_of_a_foreign_plugin_answer() {
    let parser = stages(Stage::PythonParser, "acme-stages")
        .python_parsers()
        .unwrap();
    let analysis = parser[0].parse("a.py", "# needs orders\n").unwrap();
    assert_eq!(analysis.dependencies[0].text, "ref('orders')");
    let notebooks = stages(Stage::NotebookParser, "acme-stages")
        .notebook_parsers()
        .unwrap();
    assert_eq!(notebooks[0].extensions(), ["pynb"]);
    assert_eq!(
        stages(Stage::StubWriter, "acme-stages")
            .stub_writer()
            .unwrap()
            .folder(),
        "acme"
    );
}

#[test]
fn a_panic_is_an_error_with_the_name_of_the_plugin() {
    let parser = stages(Stage::PythonParser, "acme-panics")
        .python_parsers()
        .unwrap();
    let text = parser[0].parse("models/a.py", "").unwrap_err().to_string();
    assert!(
        text.starts_with("the plugin `acme-panics` panicked in `parse`: "),
        "{text}"
    );
    assert!(text.contains("cannot stand models/a.py"), "{text}");
}

#[test]
fn nonsense_is_an_error_with_the_name_of_the_plugin() {
    let parser = stages(Stage::PythonParser, "acme-nonsense")
        .python_parsers()
        .unwrap();
    let text = parser[0].parse("models/a.py", "").unwrap_err().to_string();
    assert_eq!(
        text,
        "the plugin `acme-nonsense` answered `parse` with something unreadable: expected value at line 1 column 1 in \
         `colourless green ideas sleep furiously`"
    );
}

#[test]
fn a_configuration_that_does_not_fit_is_refused_before_the_plugin_sees_it() {
    let config = BTreeMap::from([("acme-stages".to_owned(), json!({"heading": 7}))]);
    let choice = PluginChoice {
        config,
        ..PluginChoice::default()
    };
    let flag = format!("stub-writer={}", library("acme-stages").display());
    let stages = PluginStages::new(choice.with_flags(&[flag]).unwrap(), SearchPath::default());
    let text = stages.stub_writer().err().unwrap().to_string();
    assert_eq!(
        text,
        "the configuration of the plugin `acme-stages` in fal_project.yml is wrong: `heading`: 7 is not of type \"string\""
    );
}

#[test]
fn a_plugin_that_does_not_fill_the_stage_says_what_it_fills() {
    let choice = PluginChoice::default()
        .with_flags(&["stub-writer=no-such-plugin".to_owned()])
        .unwrap();
    let error = PluginStages::new(choice, SearchPath::default())
        .stub_writer()
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "no plugin `no-such-plugin` for the stage `stub-writer` was found"
    );
}

/// As an author's own test does it, in its own process.
#[test]
fn a_library_is_checked_in_the_process_of_a_test() {
    check_library(library("acme-misbehaves")).assert_ok();
    let report = check_library(library("acme-other-layout"));
    assert_eq!(
        report.failed(Need::Required).collect::<Vec<_>>(),
        ["door/layout"],
        "{report}"
    );
}
