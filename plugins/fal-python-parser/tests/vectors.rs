//! The dependencies of the conformance vectors.

mod common;

use std::{fs, path::PathBuf};

fn vectors() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/stubs");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    all.sort();
    assert!(all.len() >= 38, "the vectors are missing");
    all
}

#[test]
fn dependencies_are_those_of_the_vectors() {
    for path in vectors() {
        let text = fs::read_to_string(&path).unwrap();
        let stub = fs::read_to_string(path.with_extension("sql")).unwrap();
        let expected: Vec<&str> = stub
            .lines()
            .filter(|line| line.starts_with("{{ ref") || line.starts_with("{{ source"))
            .map(|line| &line[3..line.len() - 3])
            .collect();
        assert_eq!(common::dependencies(&text), expected, "{}", path.display());
    }
}

#[test]
fn each_vector_writes_once_and_has_no_error() {
    for path in vectors() {
        let analysis = common::agreed(&fs::read_to_string(&path).unwrap());
        assert_eq!(
            (analysis.write_count.min, analysis.write_count.max),
            (1, Some(1)),
            "{}",
            path.display()
        );
        let unresolved: Vec<&str> = analysis
            .unresolved
            .iter()
            .map(|it| it.text.as_str())
            .collect();
        let expected: &[&str] = if path.ends_with("13_variable_argument_ignored.py") {
            &["ref(name)"]
        } else {
            &[]
        };
        assert_eq!(unresolved, expected, "{}", path.display());
        assert_eq!(
            analysis.diagnostics.len(),
            expected.len(),
            "{}",
            path.display()
        );
    }
}
