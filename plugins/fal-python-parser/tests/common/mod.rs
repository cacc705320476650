//! Both parsers, and what they agree on.
#![allow(dead_code, reason = "not every test uses all of it")]

// The other plugin's sources, not its crate: two plugins in one binary would export the same
// symbols.
#[path = "../../../fal-python-parser-ruff/src/lower.rs"]
mod lower;
#[path = "../../../fal-python-parser-ruff/src/parser.rs"]
#[expect(unreachable_pub, reason = "public where it comes from")]
mod parser;

use std::{
    io::Write,
    process::{Command, Stdio},
};

use fal_plugin::{
    payload::{Diagnostic, PythonAnalysis},
    ParseError, PythonParser,
};
use fal_python_parser::RustPythonParser;
use parser::RuffParser;
use serde_json::Value;

/// rustpython-parser and ruff.
pub(crate) fn parsers() -> [Box<dyn PythonParser>; 2] {
    [
        Box::new(RustPythonParser::new(&Value::Null).unwrap()),
        Box::new(RuffParser::new(&Value::Null).unwrap()),
    ]
}

/// What each parser answers.
pub(crate) fn both(text: &str) -> [Result<PythonAnalysis, ParseError>; 2] {
    parsers().map(|parser| parser.parse("model.py", text))
}

/// The analysis that both give.
#[track_caller]
pub(crate) fn agreed(text: &str) -> PythonAnalysis {
    let [rustpython, ruff] = both(text);
    let one = rustpython.unwrap_or_else(|error| panic!("rustpython: {error}\n{text}"));
    let other = ruff.unwrap_or_else(|error| panic!("ruff: {error}\n{text}"));
    assert_eq!(one, other, "{text}");
    one
}

/// Texts of the dependencies that both find.
#[track_caller]
pub(crate) fn dependencies(text: &str) -> Vec<String> {
    agreed(text)
        .dependencies
        .into_iter()
        .map(|it| it.text)
        .collect()
}

/// Diagnostics as one reads them: code, message, labels with line and marked text, help.
pub(crate) fn shown(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    for it in diagnostics {
        out += &format!("{:?} {}: {}\n", it.severity, it.code, it.message);
        for label in &it.labels {
            let span = label.span;
            let marked = text[span.start as usize..span.end as usize].replace('\n', "⏎");
            out += &format!(
                "  {}:{} `{marked}` {}\n",
                span.from.line, span.from.column, label.text
            );
        }
        it.help
            .iter()
            .for_each(|help| out += &format!("  help: {help}\n"));
    }
    out
}

/// Gives texts to a program in Python as a JSON list on standard input, and reads its JSON answer.
pub(crate) fn ask_python(program: &str, texts: &[String]) -> Value {
    let mut python = Command::new("python3")
        .args(["-X", "utf8", "-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python
        .stdin
        .take()
        .unwrap()
        .write_all(serde_json::to_string(texts).unwrap().as_bytes())
        .unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Numbers that follow from a seed, for generated programs.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % limit
    }
}
