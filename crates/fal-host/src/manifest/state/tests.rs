use std::fs;

use fal_plugin::payload::{FileKind, PythonAnalysis};
use fal_project::ProjectOptions;
use serde_json::json;

use super::*;

const STUB: &str = "{{ config(materialized='ephemeral') }}\nselect * from {{ this }}";

/// A project with a script, and a folder with the artifacts of an earlier run.
struct Fixture(tempfile::TempDir);

impl Fixture {
    fn new(earlier: &Value) -> Self {
        let fixture = Self(tempfile::tempdir().unwrap());
        let files = [
            ("shop/dbt_project.yml", "name: shop\nprofile: shop\n"),
            ("shop/models/score.py", "x = 1\n"),
            ("shop/models/fal/score.sql", STUB),
            ("state/manifest.json", &earlier.to_string()),
            ("state/run_results.json", "{}"),
        ];
        for (path, text) in files {
            let path = fixture.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fixture
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn project(&self) -> DbtProject {
        DbtProject::find(&ProjectOptions {
            project_dir: Some(self.path("shop")),
            ..ProjectOptions::default()
        })
        .unwrap()
    }

    fn model(&self) -> ModelFile {
        ModelFile {
            name: "score".to_owned(),
            path: "models/score.py".to_owned(),
            file: self.path("shop/models/score.py"),
            kind: FileKind::Script,
            analysis: PythonAnalysis::new(FileKind::Script),
            notebook: None,
            stub_path: Some("models/fal/score.sql".to_owned()),
            diagnostics: Vec::new(),
        }
    }

    /// Returns the earlier state, and the folder that dbt is to compare with.
    fn read(&self) -> (Option<EarlierState>, PathBuf) {
        let folder = self.path("state").display().to_string();
        let mut words = ["--defer", FLAG, &folder].map(str::to_owned);
        let state = EarlierState::read(&mut words, &self.path("target")).unwrap();
        (state, PathBuf::from(&words[2]))
    }

    fn compare(&self) -> Compared {
        let model = self.model();
        let script = ScriptModel {
            unique_id: "model.shop.score".to_owned(),
            name: model.name.clone(),
            path: model.path.clone(),
            code: Some(model.code().unwrap().into_owned()),
        };
        self.read().0.unwrap().compare(&[script])
    }
}

fn earlier(node: Value) -> Value {
    json!({"metadata": {"x": 1}, "nodes": {"model.shop.score": node, "model.shop.other": {"language": "sql"}}})
}

fn shown(code: &str) -> Value {
    earlier(json!({
        "language": "python", "name": "score", "package_name": "shop", "raw_code": code,
        "original_file_path": "models/score.py", "relation_name": "db.score", "config": {"materialized": "table"},
    }))
}

#[test]
fn the_code_decides() {
    for (before, is_changed) in [("x = 1", false), ("x = 1\r\n", false), ("x = 2", true)] {
        let compared = Fixture::new(&shown(before)).compare();
        assert_eq!(
            compared.changed.contains("model.shop.score"),
            is_changed,
            "{before:?}"
        );
        assert_eq!(compared.unknown, [""; 0]);
    }
}

#[test]
fn a_state_of_dbt_alone_does_not_have_the_code() {
    let fixture = Fixture::new(&earlier(
        json!({"language": "sql", "raw_code": "\"python\""}),
    ));
    let compared = fixture.compare();
    assert_eq!(
        (compared.changed.len(), compared.unknown),
        (0, vec!["score".to_owned()])
    );
    assert_eq!(
        fixture.read().1,
        fixture.path("state"),
        "dbt reads it as it is"
    );
}

#[test]
fn a_model_that_was_not_there_is_dbts_to_judge() {
    assert_eq!(
        Fixture::new(&json!({"nodes": {}})).compare(),
        Compared::default()
    );
}

#[test]
fn dbt_compares_with_a_copy_that_has_the_stub() {
    let fixture = Fixture::new(&shown("x = 2"));
    let (state, folder) = fixture.read();
    assert_eq!(folder, fixture.path("target/fal/state"));
    state
        .unwrap()
        .write_copy(&fixture.project(), &[fixture.model()])
        .unwrap();
    let copy: Value = serde_json::from_slice(&fs::read(folder.join(FILE)).unwrap()).unwrap();
    let node = json!({
        "language": "sql", "name": "score", "package_name": "shop", "raw_code": STUB,
        "original_file_path": "models/fal/score.sql", "relation_name": null, "config": {"materialized": "ephemeral"},
    });
    assert_eq!(copy, earlier(node));
    assert!(folder.join("run_results.json").exists());
    // What is gone there is gone here.
    fs::remove_file(fixture.path("state/run_results.json")).unwrap();
    let (state, folder) = fixture.read();
    state
        .unwrap()
        .write_copy(&fixture.project(), &[fixture.model()])
        .unwrap();
    assert!(!folder.join("run_results.json").exists());
}

#[test]
fn the_flag_and_its_folder_may_be_one_word() {
    let fixture = Fixture::new(&shown("x = 1"));
    let mut words = [format!("{FLAG}={}", fixture.path("state").display())];
    EarlierState::read(&mut words, &fixture.path("target"))
        .unwrap()
        .unwrap();
    assert_eq!(
        words,
        [format!(
            "{FLAG}={}",
            fixture.path("target/fal/state").display()
        )]
    );
    for other in ["--state", "--states=x", "--select"] {
        let mut words = [other.to_owned()];
        assert!(
            EarlierState::read(&mut words, &fixture.path("target"))
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn a_script_that_was_moved_is_found_by_its_name() {
    let mut before = shown("x = 1");
    before["nodes"]["model.shop.score"]["original_file_path"] = "models/old/score.py".into();
    let fixture = Fixture::new(&before);
    let (state, folder) = fixture.read();
    state
        .unwrap()
        .write_copy(&fixture.project(), &[fixture.model()])
        .unwrap();
    let copy: Value = serde_json::from_slice(&fs::read(folder.join(FILE)).unwrap()).unwrap();
    assert_eq!(
        copy["nodes"]["model.shop.score"]["original_file_path"],
        "models/fal/score.sql"
    );
}
