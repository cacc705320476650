//! CPython as the oracle: the order of `ast.walk` and the print of `ast.unparse`, on generated
//! programs.

mod common;

use common::{ask_python, Random};
/// The dependencies that fal finds: `ref` calls, then `source` calls, in the order of `ast.walk`,
/// if all their positional arguments are constants.
const ORACLE: &str = r#"
import ast, json, sys
answers = []
for text in json.load(sys.stdin):
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    answers.append([
        ast.unparse(call) for name in ("ref", "source") for call in calls
        if call.func.id == name and all(isinstance(arg, ast.Constant) for arg in call.args)
    ])
json.dump(answers, sys.stdout)
"#;

/// A program made from a seed.
struct Program {
    random: Random,
    calls: u32,
}

const STRINGS: [&str; 18] = [
    r#""it's""#,
    r#"'say "x"'"#,
    r#"'it\'s "x"'"#,
    "'''a\nb'''",
    r"r'raw\d'",
    r"'\u00e9\x07\t\r\n'",
    "'💥ä'",
    r"'\u200b\ufeff'",
    r"'a' 'b'",
    r"'\\'",
    r"'\N{BULLET}'",
    r"'e\u0301'",
    r"'\x7f\xa0\xad'",
    r"'\U0001f600\U000e0001'",
    "'a\\\nb'",
    "''",
    r#"rb'x'.decode() and 'y'"#,
    "'{x}'",
];

const KEYWORDS: [&str; 22] = [
    "v=2",
    "version='1'",
    "version=-1",
    "v=1.0",
    "v=1e20",
    "v=0xff",
    "x=None",
    "x=[1, 'a']",
    "x=(1,)",
    "x=()",
    "x={'a': 1, 2: []}",
    "x=True",
    "x=1_000",
    "x=1e-7",
    "x=2j",
    "x=b'\\xff\\'\"'",
    "x=...",
    "x={1, 2}",
    "x=123456789012345678901234567890",
    "x=0.1",
    "x=not 1",
    "x=1.5e300j",
];

impl Program {
    fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            calls: 0,
        }
    }

    fn call(&mut self) -> String {
        self.calls += 1;
        let name = format!("'n{}'", self.calls);
        let mut args = match self.random.below(6) {
            0 => vec![STRINGS[self.random.below(16)].to_owned(), name],
            1 => vec![name, STRINGS[self.random.below(16)].to_owned()],
            _ => vec![name],
        };
        let source = self.random.below(4) == 0;
        if source && args.len() == 1 {
            args.push("'t'".to_owned());
        }
        if self.random.below(4) == 0 {
            args.push(KEYWORDS[self.random.below(KEYWORDS.len())].to_owned());
        }
        format!(
            "{}({})",
            if source { "source" } else { "ref" },
            args.join(", ")
        )
    }

    fn expression(&mut self, depth: u32) -> String {
        if depth == 0 || self.random.below(5) == 0 {
            return self.call();
        }
        let shapes = [
            "E.a(E, k=E)",
            "f(E, *E, k=E, **E)",
            "[E, E, *E]",
            "(E, E)",
            "{E, E}",
            "{E: E, **E, E: E}",
            "[E for x in E if E if E for y in E]",
            "{E for x in E}",
            "{E: E for x in E if E}",
            "f(E for x in E)",
            "(lambda a, b=E, *c, d=E, e, **g: E)",
            "(E if E else E)",
            "(E and E or E)",
            "(E + E * E)",
            "(-E)",
            "(E < E == E)",
            "E[E:E:E]",
            "E[E, E]",
            "(x := E)",
            "f'{E}a{E!r:>{E}}' 'b'",
            "(yield E)",
            "(await E)",
            "(not E)",
            "E[E].b",
            "(yield from E)",
            "f'''{E}''' f'{E}'",
        ];
        let shape = shapes[self.random.below(shapes.len())];
        // Strings inside f-strings must use other quotes before Python 3.12.
        let text = self.fill(shape, depth - 1);
        if shape.contains("f'")
            && text.matches(['\'', '\\', '\n']).count() != shape.matches('\'').count()
        {
            return self.fill(&shape.replace('E', "g(0)"), 0);
        }
        text
    }

    fn fill(&mut self, shape: &str, depth: u32) -> String {
        let mut out = String::new();
        for c in shape.chars() {
            if c == 'E' {
                out += &self.expression(depth)
            } else {
                out.push(c)
            }
        }
        out
    }

    fn block(&mut self, depth: u32, indent: usize) -> String {
        let count = 1 + self.random.below(3);
        (0..count).map(|_| self.statement(depth, indent)).collect()
    }

    fn statement(&mut self, depth: u32, indent: usize) -> String {
        let simple = [
            "E",
            "a = b = E",
            "a: E = E",
            "a += E",
            "return E",
            "raise E from E",
            "assert E, E",
            "del a[E]",
            "a, E.b = E",
            "print(f\"{ref('in')}{source('s', 't'):{ref('out')}}\")",
            "pass",
        ];
        let compound = [
            "@E\ndef f(p, q: E = E, /, r=E, *s: E, t=E, u: E, v=E, **w: E) -> E:\nB",
            "@E\nasync def f(a=E):\nB",
            "@E\nclass C(E, k=E):\nB",
            "for E.x in E:\nB\nelse:\nB",
            "while E:\nB\nelse:\nB",
            "if E:\nB\nelif E:\nB\nelif E:\nB\nelse:\nB",
            "with E as E.y, E:\nB",
            "try:\nB\nexcept E as e:\nB\nexcept E:\nB\nelse:\nB\nfinally:\nB",
            "match E:\ncase {'a': 1, **r} if E:\nB\ncase C(x, k=[1, *_]) | D.e if E:\nB\ncase _:\nB",
            "async def f():\nasync for x in E:\nB\nasync with E as x:\nB",
            "try:\nB\nexcept* E:\nB",
        ];
        if depth == 0 || self.random.below(2) == 0 {
            let shape = simple[self.random.below(simple.len())];
            return format!("{}{}\n", "  ".repeat(indent), self.fill(shape, 2));
        }
        let shape = compound[self.random.below(compound.len())];
        self.lay_out(shape, depth - 1, indent)
    }

    /// Lines of a compound statement; what must be indented within `match` and `async def` is.
    fn lay_out(&mut self, shape: &str, depth: u32, indent: usize) -> String {
        let mut out = String::new();
        for line in shape.lines() {
            let nested = line.starts_with("case")
                || line.starts_with("async for")
                || line.starts_with("async with");
            let inner = shape.starts_with("match") || shape.starts_with("async def f():");
            let level = indent + usize::from(nested);
            if line == "B" {
                out += &self.block(depth, indent + 1 + usize::from(inner));
            } else {
                out += &format!("{}{}\n", "  ".repeat(level), self.fill(line, 1));
            }
        }
        out
    }
}

#[test]
fn order_and_print_are_cpythons() {
    let mut texts: Vec<String> = (0..150)
        .map(|seed| Program::new(seed).block(3, 0))
        .collect();
    texts.extend(STRINGS[..16].iter().map(|text| format!("ref({text})")));
    texts.extend(KEYWORDS.iter().map(|text| format!("ref('a', {text})")));
    let answers: Vec<Vec<String>> = serde_json::from_value(ask_python(ORACLE, &texts)).unwrap();
    assert!(
        answers.iter().map(Vec::len).sum::<usize>() > 1_000,
        "the programs hold too few calls to prove anything"
    );
    for (text, expected) in texts.iter().zip(answers) {
        let literal = |it: &fal_plugin::payload::Dependency| {
            it.origin == fal_plugin::payload::DependencyOrigin::Code
        };
        let found: Vec<String> = common::agreed(text)
            .dependencies
            .into_iter()
            .filter(literal)
            .map(|it| it.text)
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}
