//! Both parser plugins give the same analysis, and the one that the vectors ask for.

// The other plugin's sources, not its crate: two plugins in one binary would export the same symbols.
#[path = "../../fal-python-parser-ruff/src/lower/mod.rs"]
mod lower;
#[path = "../../fal-python-parser-ruff/src/parser.rs"]
mod ruff;

use std::{fs, path::PathBuf};

use fal_plugin::{payload::PythonAnalysis, PythonParser};
use fal_python_parser::RustPythonParser;
use ruff::RuffParser;
use serde_json::Value;

fn parsers() -> (RustPythonParser, RuffParser) {
    (RustPythonParser::new(&Value::Null).unwrap(), RuffParser::new(&Value::Null).unwrap())
}

/// The analysis, after checking that both parsers give it.
fn agreed(name: &str, text: &str) -> PythonAnalysis {
    let (rustpython, ruff) = parsers();
    let one = rustpython.parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let other = ruff.parse(name, text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(one, other, "{name}");
    one
}

fn vectors() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/stubs");
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    all.sort();
    assert!(all.len() >= 38, "the vectors are missing");
    all
}

#[test]
fn dependencies_are_those_of_the_vectors() {
    for path in vectors() {
        let text = fs::read_to_string(&path).unwrap();
        let analysis = agreed(&path.display().to_string(), &text);
        let stub = fs::read_to_string(path.with_extension("sql")).unwrap();
        let expected: Vec<&str> = stub
            .lines()
            .filter(|line| line.starts_with("{{ ref") || line.starts_with("{{ source"))
            .map(|line| &line[3..line.len() - 3])
            .collect();
        let found: Vec<&str> = analysis.dependencies.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(found, expected, "{}", path.display());
    }
}
