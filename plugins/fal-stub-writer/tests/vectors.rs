//! Every stub of the conformance vectors is rendered byte for byte from its dependencies.

use std::{fs, path::PathBuf};

use fal_plugin::{
    payload::{
        Dependency, DependencyKind, DependencyOrigin, Span, StubRequest, StubVerdict,
        StubVerdictRequest,
    },
    StubWriter,
};
use fal_stub_writer::SqlStubWriter;

fn vectors() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/stubs");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    assert!(paths.len() >= 35, "vectors are missing: {}", paths.len());
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths
        .iter()
        .map(|path| (stem(path), fs::read_to_string(path).unwrap()))
        .collect()
}

fn named_dependencies(stub: &str) -> Vec<Dependency> {
    let (_, rest) = stub.split_once("Script dependencies:\n\n").unwrap();
    let (lines, _) = rest.split_once("\n\n*/").unwrap();
    let calls = lines.lines().filter(|line| !line.is_empty());
    calls
        .map(|line| {
            dependency(
                line.strip_prefix("{{ ")
                    .unwrap()
                    .strip_suffix(" }}")
                    .unwrap(),
            )
        })
        .collect()
}

fn dependency(text: &str) -> Dependency {
    Dependency {
        kind: if text.starts_with("ref") {
            DependencyKind::Ref
        } else {
            DependencyKind::Source
        },
        text: text.to_owned(),
        args: Vec::new(),
        version: None,
        origin: DependencyOrigin::Code,
        span: Span::default(),
    }
}

#[test]
fn every_vector_comes_out_byte_for_byte() {
    let writer = SqlStubWriter::new(&serde_json::Value::Null).unwrap();
    for (name, expected) in vectors() {
        let dependencies = named_dependencies(&expected);
        let request = StubRequest {
            model: name.clone(),
            path: format!("sub/{name}.py"),
            dependencies,
        };
        let stub = writer.render(&request).unwrap();
        assert_eq!(stub.path, format!("fal/sub/{name}.sql"));
        assert_eq!(stub.content, expected, "{name}");
    }
}

#[test]
fn every_vector_is_ours_until_edited() {
    let writer = SqlStubWriter::new(&serde_json::Value::Null).unwrap();
    let judge = |content: String| {
        writer
            .judge(&StubVerdictRequest {
                path: "fal/x.sql".to_owned(),
                content,
            })
            .unwrap()
    };
    for (name, stub) in vectors() {
        assert_eq!(judge(stub.clone()), StubVerdict::Ours, "{name}");
        assert_eq!(
            judge(stub.replace('\n', "\r\n")),
            StubVerdict::Ours,
            "{name}"
        );
        assert_eq!(
            judge(stub.replace("SELECT *", "SELECT 1")),
            StubVerdict::Edited,
            "{name}"
        );
        assert_eq!(
            judge(stub.replace("FAL_GENERATED", "GENERATED")),
            StubVerdict::Foreign,
            "{name}"
        );
    }
}
