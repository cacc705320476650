//! CPython's `symtable` as the oracle: whether a call of `ref` reaches the module's names, on
//! generated programs.

mod common;

use common::{ask_python, Random};
use fal_plugin::payload::FileKind;

/// For each program: `null` if it is not valid, else whether `ref` is read as a name that the file
/// does not bind.
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
    random: Random,
}

impl Program {
    fn block(&mut self, indent: usize) -> String {
        let count = 1 + self.random.below(3);
        (0..count).map(|_| self.statement(indent)).collect()
    }

    fn statement(&mut self, indent: usize) -> String {
        let margin = "  ".repeat(indent);
        if indent < 4 && self.random.below(2) == 0 {
            let head =
                COMPOUND[self.random.below(COMPOUND.len())].replace('\n', &format!("\n{margin}"));
            return format!("{margin}{head}\n{}", self.block(indent + 1));
        }
        // Most names are read, so that most programs have an answer that one wrong scope changes.
        let which = if self.random.below(2) == 0 {
            0
        } else {
            self.random.below(SIMPLE.len())
        };
        format!("{margin}{}\n", SIMPLE[which])
    }
}

#[test]
fn names_are_resolved_as_cpython_does() {
    let seed = |n: u64| Program {
        random: Random::new(n),
    };
    let texts: Vec<String> = (1..4_000).map(|n| seed(n).block(0)).collect();
    let mut counts = [0, 0];
    let answers: Vec<Option<bool>> = serde_json::from_value(ask_python(ORACLE, &texts)).unwrap();
    for (text, answer) in texts.iter().zip(answers) {
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
