//! The analysis takes steps in proportion to the text's length, for texts of every shape. Steps are
//! counted, not timed.
#![cfg(debug_assertions)]

mod common;

use std::thread;

/// A name, and a function that makes a text of a length.
type Shape = (&'static str, fn(usize) -> String);

/// Shapes of a text that is `n` times as long as its smallest.
fn shapes() -> Vec<Shape> {
    vec![
        ("elif", |n| {
            format!(
                "if a:\n  pass\n{}write_to_model(1)",
                "elif b == 'c':\n  f(x)\n".repeat(n)
            )
        }),
        ("elif with reads", |n| {
            format!(
                "t = ['a']\nif a:\n  pass\n{}write_to_model(1)",
                "elif b:\n  ref(t[0])\n".repeat(n)
            )
        }),
        ("elif with writes", |n| {
            format!(
                "if a:\n  pass\n{}",
                (0..n)
                    .map(|i| format!("elif b == {i}:\n  write_to_model(1)\n"))
                    .collect::<String>()
            )
        }),
        ("elif with breaks", |n| {
            format!(
                "for x in y:\n if a:\n  pass\n{}write_to_model(1)",
                " elif b:\n  break\n".repeat(n)
            )
        }),
        ("elif with stand-ins", |n| {
            format!(
                "if a:\n  pass\n{}ref('a')",
                "elif b:\n  ref = f\n  ref('a')\n".repeat(n)
            )
        }),
        ("nested else", |n| {
            let n = n / 20;
            let open: String = (0..n)
                .map(|i| format!("{0}if a:\n{0} f(x)\n{0}else:\n", " ".repeat(i)))
                .collect();
            format!("{open}{}write_to_model(1)", " ".repeat(n))
        }),
        ("and", |n| {
            format!("write_to_model(a{})", " and f(b)".repeat(n))
        }),
        ("nested and", |n| {
            format!(
                "x = {}a{}\nwrite_to_model(x)",
                "(".repeat(n),
                " and f(b) or c)".repeat(n)
            )
        }),
        ("conditions", |n| {
            format!("write_to_model({}a)", "f(a) if b else ".repeat(n))
        }),
        ("nots", |n| {
            format!("if {}a:\n  pass\nwrite_to_model(1)", "not ".repeat(n))
        }),
        ("sums", |n| {
            format!("write_to_model(ref('a' {}))", "+ b ".repeat(n))
        }),
        ("known sums", |n| {
            format!("x = 'a' {}\nwrite_to_model(ref(x))", "+ 'b' ".repeat(n))
        }),
        ("strings", |n| {
            format!("x = ('a'{})\nwrite_to_model(ref(x))", "\n 'b'".repeat(n))
        }),
        ("parts of an f-string", |n| {
            format!(
                "a = 'b'\nx = f'{}'\nwrite_to_model(ref(x))",
                "{a}".repeat(n)
            )
        }),
        ("chained calls", |n| {
            format!("write_to_model(x{})", ".f(ref('a'))".repeat(n))
        }),
        ("cases", |n| {
            format!(
                "match x:\n{}",
                "  case 'a':\n    write_to_model(1)\n".repeat(n)
            )
        }),
        ("handlers", |n| {
            format!(
                "try:\n  f()\n{}write_to_model(1)",
                "except E:\n  ref(t)\n".repeat(n)
            )
        }),
        ("withs", |n| {
            format!(
                "{}write_to_model(1)",
                "with a as b, c:\n  f(ref('a'))\n".repeat(n)
            )
        }),
        ("tries", |n| {
            format!(
                "{}write_to_model(1)",
                "try:\n  f()\nexcept E:\n  pass\n".repeat(n)
            )
        }),
        ("loops of one name", |n| {
            format!(
                "{}write_to_model(1)",
                "for x in ['a']:\n  ref(x)\n".repeat(n)
            )
        }),
        ("changes of a list", |n| {
            format!(
                "t = []\n{}write_to_model(1)",
                "t.append(ref(t[0]))\n".repeat(n)
            )
        }),
        ("globals", |n| {
            let names = (0..n)
                .map(|i| format!("  global g{i}\n  g{i} = f(1)\n"))
                .collect::<String>();
            format!("def f(x):\n{names}write_to_model(f(1))")
        }),
        ("functions", |n| {
            let all = (0..n)
                .map(|i| format!("def f{i}(ref):\n  return ref(x)\nf{i}(ref)\n"))
                .collect::<String>();
            format!("{all}write_to_model(1)")
        }),
        ("calls of one function", |n| {
            format!(
                "def f():\n  return 1\n{}write_to_model(1)",
                "f()\n".repeat(n)
            )
        }),
        ("comprehensions", |n| {
            format!(
                "write_to_model([{}])",
                "[ref(x) for x in ['a'] if x],".repeat(n)
            )
        }),
        ("generators", |n| {
            format!("write_to_model([1 {}])", "for x in ref('a') ".repeat(n))
        }),
        ("lambdas", |n| {
            format!("f = {}ref('a')\nwrite_to_model(f)", "lambda: ".repeat(n))
        }),
        ("queries", |n| {
            format!(
                "x = '''{}'''\nwrite_to_model(execute_sql(x))",
                "{{ ref('a') }} ".repeat(n)
            )
        }),
        ("docstring", |n| {
            format!(
                "'''{}'''\nwrite_to_model(1)",
                "- ref('a') \\x41\n".repeat(n)
            )
        }),
    ]
}

fn steps(text: &str) -> u64 {
    let before = fal_python_analysis::steps();
    for answer in common::both(text) {
        assert!(answer.is_ok(), "{text:.200}");
    }
    fal_python_analysis::steps() - before
}

#[test]
fn steps_grow_with_the_text() {
    let worker = thread::Builder::new().stack_size(64 << 20).spawn(|| {
        for (name, shape) in shapes() {
            let (few, many) = (steps(&shape(100)), steps(&shape(800)));
            assert!(
                many < 10 * few,
                "{name}: {few} steps for 100, {many} for 800"
            );
        }
    });
    worker.unwrap().join().unwrap();
}

/// Each diagnostic is shown with an excerpt of the file, so there must not be as many as a long
/// file has places.
#[test]
fn many_diagnostics_are_summed_up() {
    let text = format!("{}write_to_model(1)", "ref(x)\n".repeat(1_000));
    let found = common::agreed(&text);
    assert_eq!(
        (found.unresolved.len(), found.diagnostics.len()),
        (1_000, 50)
    );
    let last = &found.diagnostics[49];
    assert_eq!(
        last.message,
        "951 more places in this file, this one the first: what this `ref` reads is not known before the run"
    );
    assert_eq!(last.labels[0].span.from.line, 50);
    assert_eq!(
        common::agreed(&format!("{}write_to_model(1)", "ref(x)\n".repeat(50)))
            .diagnostics
            .len(),
        50
    );
}

/// A list is evaluated again at each of its uses, up to a limit for the file.
#[test]
fn what_is_evaluated_at_every_use_has_a_budget() {
    let text = format!(
        "t = [{}]\n{}write_to_model(1)",
        "'a',".repeat(8_000),
        "ref(t[0])\n".repeat(8_000)
    );
    let steps = steps(&text);
    assert!(steps < 100_000_000, "{steps}");
}
