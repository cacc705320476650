//! How often `write_to_model` is called, along control flow.

mod common;

use common::{agreed, shown};

/// The minimum and maximum of calls (`*` for no bound), and the codes of the diagnostics.
#[track_caller]
fn counted(text: &str) -> String {
    // A call of `list_models`, which writes nothing, makes every file a script.
    let text = format!("list_models()\n{text}");
    let analysis = agreed(&text);
    let count = analysis.write_count;
    let max = count.max.map_or("*".to_owned(), |max| max.to_string());
    let codes: Vec<String> = analysis
        .diagnostics
        .iter()
        .map(|it| it.code.trim_start_matches("write::").to_owned())
        .collect();
    format!("{}..{max} {}", count.min, codes.join(" "))
        .trim_end()
        .to_owned()
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let text = text.replace("W", "write_to_model(df)");
        assert_eq!(counted(&text), *expected, "{text}");
    }
}

#[test]
fn sequences_add_and_branches_join() {
    check(&[
        ("W", "1..1"),
        ("x = 1", "0..0 never"),
        ("W\nW", "2..2 twice"),
        ("if a:\n  W\nelse:\n  W", "1..1"),
        ("if a:\n  W\nelif b:\n  W\nelse:\n  W", "1..1"),
        ("if a:\n  W\nelif b:\n  W", "0..1 never_on_some_path"),
        ("if a:\n  W", "0..1 never_on_some_path"),
        ("if a:\n  W\nW", "1..2 twice"),
        ("W if a else W", "1..1"),
        ("a and W", "0..1 never_on_some_path"),
        ("W or W", "1..2 twice"),
        ("(W, W)", "2..2 twice"),
        ("f(W)", "1..1"),
        ("x = y = W", "1..1"),
        ("with open(a) as f:\n  W", "1..1"),
        ("class C:\n  W", "1..1"),
    ]);
}

#[test]
fn conditions_of_one_block_may_exclude_each_other() {
    check(&[
        ("if a:\n  W\nif not a:\n  W", "1..1"),
        ("if a:\n  W\nx = 1\nif a:\n  W", "0..2 twice"),
        (
            "if m == 'x':\n  W\nif m == 'y':\n  W",
            "0..1 never_on_some_path",
        ),
        ("if m == 'x':\n  W\nif m != 'x':\n  W", "1..1"),
        (
            "if m == 'x':\n  W\nelif m == 'y':\n  W\nif m == 'z':\n  W",
            "0..1 never_on_some_path",
        ),
        ("if m == 'x':\n  W\nif n == 'x':\n  W", "0..2 twice"),
        (
            "if df.empty:\n  W\n  sys.exit()\nif not df.empty:\n  W",
            "1..1",
        ),
        ("def f():\n  if a:\n    W\n  if not a:\n    W\nf()", "1..1"),
        (
            "if a:\n  W\nif b:\n  x()\nif not a:\n  W\nif not b:\n  W",
            "1..2 twice",
        ),
    ]);
}

#[test]
fn statements_in_the_wrong_place_are_errors() {
    for text in [
        "return",
        "yield 1",
        "break",
        "class C:\n  return",
        "for x in y:\n  pass\nelse:\n  break",
        "for x in y:\n  def f():\n    continue",
    ] {
        let codes: Vec<String> = agreed(text)
            .diagnostics
            .into_iter()
            .map(|it| it.code)
            .collect();
        assert_eq!(codes, ["python::syntax"], "{text}");
    }
    assert!(
        agreed("def f():\n  return [(yield 1)]\nwhile a:\n  if b:\n    break\n")
            .diagnostics
            .is_empty()
    );
}

#[test]
fn known_conditions_are_decided() {
    check(&[
        ("if __name__ == '__main__':\n  W", "1..1"),
        ("if '__main__' != __name__:\n  W\nelse:\n  W", "1..1"),
        ("if False:\n  W", "0..0 never"),
        ("if True:\n  W\nelse:\n  W\n  W", "1..1"),
        ("if not 0 and 'x':\n  W", "1..1"),
        ("if TYPE_CHECKING:\n  W\nW", "1..1"),
        ("while True:\n  W\n  break", "1..1"),
        ("while False:\n  W", "0..0 never"),
        ("assert False\nW", "0..0 never"),
    ]);
}

#[test]
fn loops_repeat() {
    check(&[
        ("for x in y:\n  W", "0..* in_loop"),
        ("while a:\n  W", "0..* in_loop"),
        ("while True:\n  W", "0..* in_loop"),
        ("while W:\n  pass", "1..* in_loop"),
        ("[W for x in y]", "0..* in_loop"),
        ("list(W for x in y)", "0..* in_loop"),
        ("[x for x in W]", "1..1"),
        ("for x in W:\n  pass", "1..1"),
        ("for x in y:\n  pass\nelse:\n  W", "1..1"),
        ("for x in y:\n  W\n  break", "0..1 never_on_some_path"),
        (
            "for x in y:\n  if a:\n    W\n    break",
            "0..1 never_on_some_path",
        ),
        ("for x in y:\n  if a:\n    W\n    break\nelse:\n  W", "1..1"),
        ("for x in y:\n  W\n  if a:\n    break", "0..* in_loop"),
        ("for x in y:\n  W\n  continue", "0..* in_loop"),
        ("for x in [1]:\n  W", "1..1"),
        ("for x in range(1):\n  W", "1..1"),
        ("for x in ():\n  W\nW", "1..1"),
        ("for x in [1, 2]:\n  W", "1..* in_loop"),
        (
            "while True:\n  try:\n    W\n    break\n  except Error:\n    sleep(1)",
            "1..1",
        ),
    ]);
}

#[test]
fn paths_end() {
    check(&[
        ("if a:\n  raise Error\nW", "1..1"),
        ("if a:\n  W\nelse:\n  raise Error", "1..1"),
        ("if a:\n  W\n  sys.exit()\nW", "1..1"),
        ("if a:\n  exit(1)\nW", "1..1"),
        ("if a:\n  sys.exit(0)\nW", "0..1 never_on_some_path"),
        ("if a:\n  raise SystemExit\nW", "0..1 never_on_some_path"),
        ("from sys import exit\nW\nexit()\nW", "1..1"),
        ("raise Error\nW", "0..0 never"),
        ("W\nraise Error", "0..1"),
    ]);
}

#[test]
fn exceptions_join() {
    check(&[
        ("try:\n  W\nexcept E:\n  raise", "1..1"),
        ("try:\n  W\nexcept E:\n  pass", "0..1 never_on_some_path"),
        ("try:\n  x()\nexcept E:\n  W\nelse:\n  W", "1..1"),
        ("try:\n  x()\nfinally:\n  W", "1..1"),
        ("try:\n  W\nfinally:\n  W", "2..2 twice"),
        ("try:\n  W\nexcept E:\n  W", "1..1"),
        // The second call runs only if something raises between the first and the end of the block.
        ("try:\n  W\n  x()\nexcept E:\n  W", "1..2"),
        ("try:\n  W\n  raise E\nexcept:\n  W", "1..2 twice"),
        ("try:\n  x()\nexcept E:\n  y()\nW", "1..1"),
        ("try:\n  sys.exit()\nexcept:\n  W", "1..1"),
        (
            "try:\n  sys.exit()\nexcept Exception:\n  pass\nW",
            "0..0 never",
        ),
        ("with suppress(E):\n  W", "0..1 never_on_some_path"),
        (
            "def f():\n  try:\n    return 1\n  finally:\n    W\nf()",
            "1..1",
        ),
    ]);
}

#[test]
fn matches_join() {
    check(&[
        ("match a:\n  case 1:\n    W\n  case _:\n    W", "1..1"),
        (
            "match a:\n  case 1:\n    W\n  case x if b:\n    W",
            "0..1 never_on_some_path",
        ),
        ("match a:\n  case 1:\n    W\n  case [2] | x:\n    W", "1..1"),
    ]);
}

#[test]
fn functions_count_where_they_are_called() {
    check(&[
        ("def f():\n  W\nf()", "1..1"),
        ("def f():\n  W", "0..0 never"),
        ("def f():\n  W\nf()\nf()", "2..2 twice"),
        ("def f():\n  W\nfor x in y:\n  f()", "0..* in_loop"),
        ("def f():\n  if a:\n    W\n    return\n  W\nf()", "1..1"),
        (
            "def g():\n  W\ndef f():\n  g()\nif __name__ == '__main__':\n  f()",
            "1..1",
        ),
        ("def f():\n  W\n  sys.exit()\nf()\nW", "1..1"),
        ("async def f():\n  W\nasyncio.run(f())", "1..1"),
        ("f = lambda: W\nf()", "1..1"),
        ("(lambda: W)()", "1..1"),
        (
            "def f(n):\n  if n:\n    f(n - 1)\n  else:\n    W\nf(3)",
            "1..*",
        ),
    ]);
}

#[test]
fn what_cannot_be_followed_is_left_to_the_run() {
    check(&[
        ("def f():\n  W\nrun(f)", "0..1"),
        ("@task\ndef f():\n  W\nf()", "0..1"),
        ("class C:\n  def f(self):\n    W\nC().f()", "0..1"),
        ("df.pipe(lambda d: W)", "0..1"),
        (
            "if a:\n  def f():\n    W\nelse:\n  def f():\n    W\nf()",
            "0..2",
        ),
        ("w = write_to_model\nw(1)", "0..1 not_followed"),
        ("partial(write_to_model, 1)()", "0..1 not_followed"),
        ("W\nrun(write_to_model)", "1..2 not_followed"),
        ("exec(code)", "0..1"),
        ("globals()['write_to_model'](df)", "0..1"),
        ("def f():\n  yield W\nfor x in f():\n  pass", "0..1"),
    ]);
}

#[test]
fn calls_are_listed_with_their_place() {
    let analysis =
        agreed("write_to_model(1)\nfor x in write_to_model(2):\n    write_to_model(3)\n");
    let listed: Vec<_> = analysis
        .writes
        .iter()
        .map(|it| (it.span.from.line, it.in_loop))
        .collect();
    assert_eq!(listed, [(1, false), (2, false), (3, true)]);
}

#[test]
fn two_calls_are_both_named() {
    let text = "df = ref('a')\nif df.empty:\n    write_to_model(df)\n\nwrite_to_model(df.head())\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::twice: `write_to_model` is called twice on one path
      5:1 `write_to_model(df.head())` the second call
      3:5 `write_to_model(df)` the first call
      help: a model has one table: join the data and call `write_to_model` once, or make two models
    "#);
}

#[test]
fn two_calls_of_a_function_are_both_named() {
    let text = "def save(df):\n    write_to_model(df)\n\nsave(1)\nsave(2)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::twice: `write_to_model` is called twice on one path
      5:1 `save(2)` the second call
      4:1 `save(1)` the first call
      help: a model has one table: join the data and call `write_to_model` once, or make two models
    "#);
}

#[test]
fn a_loop_is_named_with_its_call() {
    let text = "for part in parts:\n    if part.ok:\n        write_to_model(part)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::in_loop: `write_to_model` is called in a loop
      3:9 `write_to_model(part)` called in every turn
      1:1 `for part in parts:` of this loop
      help: collect the data in the loop and call `write_to_model` once behind it
    "#);
}

#[test]
fn a_loop_around_a_function_is_named() {
    let text = "def save(df):\n    write_to_model(df)\n\nfor part in parts:\n    save(part)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::in_loop: `write_to_model` is called in a loop
      5:5 `save(part)` called in every turn
      4:1 `for part in parts:` of this loop
      help: collect the data in the loop and call `write_to_model` once behind it
    "#);
}

#[test]
fn a_missing_call_is_told() {
    let text = "df = ref('a')\nprint(df)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::never: this model never calls `write_to_model`
      1:6 `ref('a')` makes this file a model
      help: call `write_to_model(df)` exactly once, with the data of the model's table
    "#);
}

#[test]
fn a_call_that_is_never_reached_is_told() {
    let text = "def main():\n    write_to_model(ref('a'))\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Error write::never: this model never calls `write_to_model`
      2:5 `write_to_model(ref('a'))` never reached
      help: call `write_to_model(df)` exactly once, with the data of the model's table
    "#);
}

#[test]
fn a_path_without_a_call_is_a_warning() {
    let text = "df = ref('a')\nif len(df):\n    write_to_model(df)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Warning write::never_on_some_path: there is a path through this model that does not call `write_to_model`
      3:5 `write_to_model(df)` not on every path
      help: a run that takes this path fails: call `write_to_model` on every path
    "#);
}

#[test]
fn an_unresolved_call_gets_the_line_to_add() {
    let text = "df = ref(pick())\ns = source(pick(), 't')\nwrite_to_model(df)\n";
    insta::assert_snapshot!(shown(text, &agreed(text).diagnostics), @r#"
    Warning dependency::unresolved: what this `ref` reads is not known before the run
      1:6 `ref(pick())` not a literal, nor a name bound once to one
      help: name what it reads in the module docstring, in a line such as `- ref('model_name')`
    Warning dependency::unresolved: what this `source` reads is not known before the run
      2:5 `source(pick(), 't')` not a literal, nor a name bound once to one
      help: name what it reads in the module docstring, in a line such as `- source('source_name', 'table_name')`
    "#);
}
