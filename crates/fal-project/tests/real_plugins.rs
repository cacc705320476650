//! Generating with the plugins that ship: the vectors of the stubs byte for byte, and what plain dbt makes of the result.

mod support;

use std::{env, error::Error, fs, path::PathBuf, process::Command};

use fal_notebook_parser::IpynbParser;
use fal_project::{GenerateError, GenerateOptions, Generated, Stages, generate};
use fal_python_parser::RustPythonParser;
use fal_python_parser_ruff::RuffParser;
use fal_stub_writer::SqlStubWriter;
use serde_json::{Value, json};
use support::Project;

fn run(project: &Project) -> Result<Generated, GenerateError> {
    let notebooks = IpynbParser::new(&Value::Null).unwrap();
    let stubs = SqlStubWriter::new(&Value::Null).unwrap();
    let stages = Stages {
        python: vec![&RustPythonParser, &RuffParser],
        notebooks: vec![&notebooks],
        stubs: &stubs,
        identity: "shipped".to_owned(),
    };
    generate(&project.dbt(), &stages, GenerateOptions::default())
}

#[test]
fn every_vector_comes_out_byte_for_byte() {
    let vectors = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/stubs");
    let project = Project::new(&[]);
    let mut expected = Vec::new();
    for path in fs::read_dir(vectors).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if path.extension().is_some_and(|extension| extension == "py") {
            project.write_bytes(&format!("models/{stem}.py"), &fs::read(&path).unwrap());
        } else {
            expected.push((format!("models/fal/{stem}.sql"), fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(expected.len() >= 38, "{}", expected.len());
    let generated = run(&project).unwrap();
    assert_eq!(generated.written.len(), expected.len());
    for (path, content) in &expected {
        assert_eq!(project.read(path), *content, "{path}");
    }
    assert_eq!(run(&project).unwrap().unchanged, expected.len());
}

#[test]
fn a_notebooks_problems_are_shown_in_its_cells() {
    let cell = |source: &str| json!({"cell_type": "code", "metadata": {}, "execution_count": null, "outputs": [], "source": source});
    let notebook = json!({
        "nbformat": 4, "nbformat_minor": 5, "metadata": {},
        "cells": [{"cell_type": "markdown", "metadata": {}, "source": "# Hello"}, cell("import os\n"), cell("df = ref('a')\nwrite_to_model(df)\nwrite_to_model(df)\n")],
    });
    let project = Project::new(&[("models/n.ipynb", &notebook.to_string())]);
    let GenerateError::Files(problems) = run(&project).unwrap_err() else { panic!() };
    let excerpt = &problems[0].excerpts[0];
    assert_eq!((problems[0].cell, excerpt.cell), (Some(3), Some(3)));
    assert!(excerpt.source.starts_with("df = ref('a')"), "{}", excerpt.source);
    let mut lines: Vec<u32> = excerpt.labels.iter().map(|label| label.span.from.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [2, 3]);
}

/// File names that a pattern could get wrong.
const NAMES: [&str; 11] =
    ["a b", " lead", "#hash", "!bang", "brackets[x]", "star*", "what?", "{brace,d}", "schön_☃", "dash-dot.x", "trail "];

#[test]
#[ignore = "needs FAL_TEST_DBT_PYTHON"]
fn plain_dbt_reads_the_project_whatever_the_names() -> Result<(), Box<dyn Error>> {
    let python = env::var_os("FAL_TEST_DBT_PYTHON").ok_or("FAL_TEST_DBT_PYTHON must name a Python with dbt-duckdb")?;
    let project = Project::new(&[("models/native.py", "def model(dbt, session):\n    return None\n")]);
    project.write("dbt_project.yml", "name: test\nprofile: test\n");
    project.write("profiles.yml", "test: {target: dev, outputs: {dev: {type: duckdb, path: x.duckdb}}}\n");
    for (index, name) in NAMES.iter().enumerate() {
        project.write(&format!("models/{name}/{name}.py"), "x = 1\n");
        project.write(&format!("models/{name}/script{index}.py"), "write_to_model(1)\n");
    }
    let dbt = |project: &Project| {
        Command::new(&python)
            .args(["-c", "from dbt.cli.main import cli; cli()", "--quiet", "--no-send-anonymous-usage-stats"])
            .args(["ls", "--resource-type", "model", "--output", "name", "--profiles-dir", "."])
            .current_dir(&project.root)
            .output()
    };
    assert!(!dbt(&project)?.status.success(), "dbt fails on such files when they are not hidden");
    run(&project)?;
    let listed = dbt(&project)?;
    assert!(listed.status.success(), "{}\n{}", String::from_utf8_lossy(&listed.stdout), project.read(".dbtignore"));
    let mut expected: Vec<String> = (0..NAMES.len()).map(|index| format!("script{index}")).collect();
    expected.push("native".to_owned());
    expected.sort();
    let text = String::from_utf8(listed.stdout)?;
    let mut names: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    Ok(())
}
