//! No input makes a parser panic or overflow its stack.

mod common;

use std::{fs, thread};

use common::{both, shown};
use fal_plugin::ParseError;
use proptest::prelude::*;

/// Tokens that have no white space.
const TOKENS: &str = r#"
    ref source write_to_model execute_sql ( ) [ ] { } 'a' "b" ''' """ f' f"{ }" ' " \ , : := =
    == != + - * ** / // % @ -> . ... ; ~ < > | & ^ # if elif else for while in not and or is
    lambda def class async await yield return try except finally raise with as import from
    global nonlocal del match case _ type pass break continue assert x é 1 0x 1e999
"#;
/// Tokens that have some, or characters that a string in this file cannot show.
const SPACED_TOKENS: [&str; 10] = [
    "\n",
    "\n    ",
    "\n        ",
    "\n\t",
    "\r\n",
    "\r",
    "\x0c",
    "\0",
    "# x\n",
    "{{ ref('a') }}",
];

fn tokens() -> Vec<&'static str> {
    TOKENS.split_whitespace().chain(SPACED_TOKENS).collect()
}

fn vectors() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/stubs");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// Every answer is an analysis or a diagnostic that lies within the text, and two analyses are
/// equal.
fn survive(text: &str) {
    let answers = both(text);
    if let [Ok(one), Ok(other)] = &answers {
        assert_eq!(one, other, "{text:?}");
    }
    for answer in answers {
        match answer {
            Ok(analysis) => drop(shown(text, &analysis.diagnostics)),
            Err(ParseError::Syntax(diagnostic)) => drop(shown(text, &[*diagnostic])),
            Err(error) => panic!("{error}: {text:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup(tokens in prop::collection::vec((prop::sample::select(tokens()), any::<bool>()), 0..40)) {
        let text: String = tokens.iter().map(|(token, space)| format!("{token}{}", if *space { " " } else { "" })).collect();
        survive(&text);
    }

    #[test]
    fn any_characters(text in "\\PC{0,60}") {
        survive(&text);
    }

    #[test]
    fn damaged_vectors(
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        len in 0..12_usize,
        token in prop::sample::select(tokens()),
    ) {
        let all = vectors();
        let chars: Vec<char> = which.get(&all).chars().collect();
        let at = cut.index(chars.len());
        let head: String = chars[..at].iter().collect();
        let tail: String = chars[(at + len).min(chars.len())..].iter().collect();
        survive(&format!("{head}{token}{tail}"));
        survive(&head);
    }
}

#[test]
fn deep_nesting_does_not_overflow() {
    let deep = |open: &str, inner: &str, close: &str| {
        let count = 10_000;
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    let texts = [
        deep("(", "1", ")"),
        deep("[", "1", "]"),
        deep("[", "", ""),
        deep("{'a': ", "1", "}"),
        deep("f(", "1", ")"),
        deep("-", "1", ""),
        deep("not ", "1", ""),
        deep("lambda: ", "1", ""),
        deep("1 + ", "1", ""),
        deep("1 if x else ", "1", ""),
        deep("a.", "b", ""),
        deep("", "a", "[0]"),
        deep("", "a", "()"),
        deep("await ", "a", ""),
        deep("ref(", "'a'", ")"),
        deep("write_to_model(", "1", ")"),
        deep("x = ", "1", ""),
        format!(
            "if a:\n  pass\n{}",
            "elif a:\n  write_to_model(1)\n".repeat(3_000)
        ),
        (0..100)
            .map(|depth| format!("{}if a:\n", " ".repeat(depth)))
            .collect::<String>()
            + &" ".repeat(100)
            + "pass",
        format!("f'{}{}'", "{".repeat(5_000), "}".repeat(5_000)),
        format!(
            "match x:\n  case {}1{}: pass\n",
            "[".repeat(5_000),
            "]".repeat(5_000)
        ),
        deep("(x and (y or ", "1", "))"),
        deep("(", "x", " and y)"),
        deep("(", "x", " if x else y)"),
        "ref('a')\n".repeat(5_000),
        (0..80)
            .map(|n| format!("{0}if a{n}:\n{0} pass\n{0}if not a{n}:\n", " ".repeat(n)))
            .collect::<String>()
            + &" ".repeat(80)
            + "write_to_model(1)",
        "ref(a);".repeat(5_000),
        format!("[{}]", "ref('a'), ".repeat(5_000)),
        "lambda: write_to_model(1)\n".repeat(2_000),
        (0..2_000)
            .map(|n| format!("def f{n}(): write_to_model(1)\nf{n}\n"))
            .collect(),
        "for x in ['a']:\n ref(x)\n".repeat(1_000),
        (0..500)
            .map(|n| format!("def f{n}():\n    f{}()\n    f{}()\n", n + 1, n + 1))
            .collect::<String>()
            + "f0()\nwrite_to_model(1)\n",
    ];
    // The stack of a thread pool's worker.
    let worker = thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for text in &texts {
            for answer in both(text) {
                assert!(!matches!(answer, Err(ParseError::Plugin(_))), "{answer:?}");
            }
        }
    });
    worker.unwrap().join().unwrap();
}

#[test]
fn syntax_errors_name_their_place() {
    let show = |text: &str| {
        both(text)
            .into_iter()
            .map(|answer| match answer {
                Err(ParseError::Syntax(diagnostic)) => shown(text, &[*diagnostic]),
                other => panic!("{other:?}"),
            })
            .collect::<String>()
    };
    insta::assert_snapshot!(show("df = ref('a'\nwrite_to_model(df)\n"), @r#"
    Error python::syntax: this is not valid Python: this `(` is never closed
      1:9 `(` here
    Error python::syntax: this is not valid Python: this `(` is never closed
      1:9 `(` here
    "#);
    insta::assert_snapshot!(show("if x:\r\npass"), @r#"
    Error python::syntax: this is not valid Python: expected an indented block
      2:1 `p` here
    Error python::syntax: this is not valid Python: expected an indented block after `if` statement
      2:1 `pass` here
    "#);
    insta::assert_snapshot!(show("<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> other\n"), @r#"
    Error python::syntax: this is not valid Python: it contains the markers of an unfinished merge
      1:1 `<<<<<<< HEAD` merge marker
      3:1 `=======` merge marker
      5:1 `>>>>>>> other` merge marker
      help: keep one of the two versions, and remove the three lines
    Error python::syntax: this is not valid Python: it contains the markers of an unfinished merge
      1:1 `<<<<<<< HEAD` merge marker
      3:1 `=======` merge marker
      5:1 `>>>>>>> other` merge marker
      help: keep one of the two versions, and remove the three lines
    "#);
    insta::assert_snapshot!(show("é = = 1"), @r#"
    Error python::syntax: this is not valid Python: invalid syntax. Got unexpected token '='
      1:5 `=` here
    Error python::syntax: this is not valid Python: expected an expression
      1:5 `=` here
    "#);
}
