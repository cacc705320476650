//! CPython's `symtable` as the oracle: whether a call of `ref` reaches the module's names, on generated programs.

mod common;

use std::{
    io::Write,
    process::{Command, Stdio},
};

use fal_plugin::payload::FileKind;
use serde_json::Value;

/// For each program: `null` if it is not valid, else whether `ref` is read as a name that the file does not bind.
const ORACLE: &str = r#"
import json, symtable, sys

def tables(table):
    yield table
    for child in table.get_children():
        yield from tables(child)

def answer(text):
    try:
        compile(text, "x", "exec")
    except SyntaxError:
        return None
    module = symtable.symtable(text, "x", "exec")
    read = bound = False
    for table in tables(module):
        try:
            symbol = table.lookup("ref")
        except KeyError:
            continue
        assigned = symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter()
        of_module = table is module or symbol.is_global()
        bound = bound or (of_module and assigned)
        read = read or (of_module and symbol.is_referenced())
    return read and not bound

json.dump([answer(text) for text in json.load(sys.stdin)], sys.stdout)
"#;

fn ask(texts: &[String]) -> Vec<Option<bool>> {
    let mut python = Command::new("python3")
        .args(["-X", "utf8", "-c", ORACLE])
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
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    serde_json::from_value(answer).unwrap()
}

const SIMPLE: [&str; 20] = [
    "ref('a')",
    "x = ref('a')",
    "pass",
    "ref = 1",
    "x, *ref = y",
    "ref += 1",
    "import ref",
    "from y import z as ref",
    "global ref",
    "nonlocal ref",
    "(ref := 1)",
    "x = [ref('a') for ref in y]",
    "x = [z for ref in ref('a')]",
    "x = [ref('a') for z in y if (ref := z)]",
    "x = {z: ref('a') for z in y for ref in z}",
    "x = (z for z in y for w in ref('a'))",
    "f = lambda ref: ref('a')",
    "f = lambda x=ref('a'): x",
    "f = lambda *x: [ref('a') for z in x]",
    "ref: int = 1",
];

const COMPOUND: [&str; 10] = [
    "def f():",
    "def f(ref):",
    "def f(x=ref('a'), *ref):",
    "@ref('a')\ndef f():",
    "class C:",
    "class C(ref('a')):",
    "for ref in x:",
    "for x in ref('a'):",
    "with x as ref:",
    "def ref():",
];

struct Program {
    state: u64,
}

impl Program {
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33) as usize % limit
    }

    fn block(&mut self, indent: usize) -> String {
        let count = 1 + self.below(3);
        (0..count).map(|_| self.statement(indent)).collect()
    }

    fn statement(&mut self, indent: usize) -> String {
        let margin = "  ".repeat(indent);
        if indent < 4 && self.below(2) == 0 {
            let head = COMPOUND[self.below(COMPOUND.len())].replace('\n', &format!("\n{margin}"));
            return format!("{margin}{head}\n{}", self.block(indent + 1));
        }
        // Most names are read, so that most programs have an answer that one wrong scope changes.
        let which = if self.below(2) == 0 {
            0
        } else {
            self.below(SIMPLE.len())
        };
        format!("{margin}{}\n", SIMPLE[which])
    }
}

#[test]
fn names_are_resolved_as_cpython_does() {
    let seed = |n: u64| Program {
        state: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
    };
    let texts: Vec<String> = (1..4_000).map(|n| seed(n).block(0)).collect();
    let mut counts = [0, 0];
    for (text, answer) in texts.iter().zip(ask(&texts)) {
        let Some(ours) = answer else { continue };
        counts[usize::from(ours)] += 1;
        assert_eq!(
            common::agreed(text).kind == FileKind::Script,
            ours,
            "\n{text}"
        );
    }
    assert!(
        counts.iter().all(|count| *count > 300),
        "the programs prove too little: {counts:?}"
    );
}
