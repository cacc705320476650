use std::fs;

use super::*;

/// A manifest of dbt, with text in it that is not as serde would write it.
const OF_DBT_ALONE: &str = r#"{"metadata": {"dbt_version": "1.11.0",  "env": {}}, "nodes": {"model.shop.orders": {"name": "orders", "config": {"materialized": "view"},   "language": "sql"}, "model.shop.ml": {"name": "ml", "database": "db", "language": "sql", "path": "fal/ml/ml.sql", "original_file_path": "models/fal/ml/ml.sql", "raw_code": "{{ config(materialized='ephemeral') }}", "checksum": {"name": "sha256", "checksum": "stub"}, "config": {"enabled": true, "materialized": "ephemeral"}, "relation_name": null, "compiled_code": "select 1", "compiled_path": "target/ml.sql", "depends_on": {"macros": [], "nodes": ["model.shop.orders"]}}}, "parent_map": {"model.shop.orders": [], "model.shop.ml": ["model.shop.orders"], "seed.shop.raw": []}, "child_map": {"model.shop.orders": ["model.shop.ml"], "model.shop.ml": [], "seed.shop.raw": []}}"#;

fn model() -> PythonNode {
    PythonNode {
        unique_id: "model.shop.ml".to_owned(),
        path: "models/ml/ml.py".to_owned(),
        path_in_model_path: "ml/ml.py".to_owned(),
        code: "\nwrite_to_model(ref('orders'))\n".to_owned(),
        relation_name: Some("\"db\".\"main\".\"ml\"".to_owned()),
        materialized: "incremental".to_owned(),
        parents: ["model.shop.orders", "seed.shop.raw"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn target(manifest: &str) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    fs::write(target.path().join(FILE), manifest).unwrap();
    target
}

fn file(target: &tempfile::TempDir, name: &str) -> String {
    fs::read_to_string(target.path().join(name)).unwrap()
}

#[test]
fn a_script_is_shown_as_the_table_that_it_makes() {
    let target = target(OF_DBT_ALONE);
    write_manifest(target.path(), &[model()]).unwrap();
    let written: Value = serde_json::from_str(&file(&target, FILE)).unwrap();
    let node = serde_json::to_string_pretty(&written["nodes"]["model.shop.ml"]).unwrap();
    insta::assert_snapshot!(node, @r#"
    {
      "name": "ml",
      "database": "db",
      "language": "python",
      "path": "ml/ml.py",
      "original_file_path": "models/ml/ml.py",
      "raw_code": "write_to_model(ref('orders'))",
      "checksum": {
        "name": "sha256",
        "checksum": "541e60d0ae54faacae9cf58d0303b1c739164ba83797788aa63e0f1b928da68e"
      },
      "config": {
        "enabled": true,
        "materialized": "incremental"
      },
      "relation_name": "\"db\".\"main\".\"ml\"",
      "compiled_code": "write_to_model(ref('orders'))",
      "compiled_path": null,
      "depends_on": {
        "macros": [],
        "nodes": [
          "model.shop.orders",
          "seed.shop.raw"
        ]
      }
    }
    "#);
    assert_eq!(
        written["parent_map"]["model.shop.ml"],
        json!(["model.shop.orders", "seed.shop.raw"])
    );
    assert_eq!(
        written["child_map"]["seed.shop.raw"],
        json!(["model.shop.ml"])
    );
    assert_eq!(file(&target, OF_DBT), OF_DBT_ALONE);
}

#[test]
fn other_nodes_keep_their_bytes() {
    let target = target(OF_DBT_ALONE);
    write_manifest(target.path(), &[model()]).unwrap();
    let written = file(&target, FILE);
    assert!(
        written.contains(r#""config": {"materialized": "view"},   "language""#),
        "{written}"
    );
    assert!(written.contains(r#""1.11.0",  "env""#), "{written}");
}

#[test]
fn without_such_models_nothing_is_written() {
    let target = target(OF_DBT_ALONE);
    write_manifest(target.path(), &[]).unwrap();
    assert_eq!(file(&target, FILE), OF_DBT_ALONE);
    assert!(!target.path().join(OF_DBT).exists());
    let empty = tempfile::tempdir().unwrap();
    write_manifest(empty.path(), &[model()]).unwrap();
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn what_was_written_before_is_renewed_from_dbts_own() {
    let target = target(OF_DBT_ALONE);
    write_manifest(target.path(), &[model()]).unwrap();
    let changed = PythonNode {
        code: "pass".to_owned(),
        parents: Vec::new(),
        ..model()
    };
    write_manifest(target.path(), &[changed]).unwrap();
    let written: Value = serde_json::from_str(&file(&target, FILE)).unwrap();
    let node = &written["nodes"]["model.shop.ml"];
    assert_eq!(node["raw_code"], "pass");
    assert_eq!(node["depends_on"]["nodes"], json!(["model.shop.orders"]));
    assert_eq!(file(&target, OF_DBT), OF_DBT_ALONE);
}

#[test]
fn a_file_that_is_no_manifest_is_an_error_and_stays() {
    let target = target("[]");
    let error = write_manifest(target.path(), &[model()]).unwrap_err();
    assert_eq!(error.code(), "report::invalid");
    assert_eq!(file(&target, FILE), "[]");
}
