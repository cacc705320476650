//! Tests of the renderings of problems, for people and for programs.

use fal_plugin::payload::{Diagnostic, Label, Position, Severity, Span};

use proptest::prelude::*;

use crate::printed::{mark_styles, printable};
use crate::sample::{error_in_cell, label, label_at, warning};
use crate::{
    GithubReporter, Reporter, SourceProblem, Theme, github_annotations, problems_json,
    render_problem, render_problems, sarif,
};

fn plain(problem: &SourceProblem) -> String {
    render_problem(problem, Theme::PLAIN, None)
}

fn problem(source: &str, labels: Vec<Label>) -> SourceProblem {
    let (code, message) = ("python::syntax".to_owned(), "invalid syntax".to_owned());
    let diagnostic = Diagnostic {
        code,
        severity: Severity::Error,
        message,
        labels,
        help: None,
        cell: None,
    };
    SourceProblem::in_file("models/a.py", source, diagnostic)
}

/// A note that lies where no excerpt can be shown.
fn note() -> SourceProblem {
    let mut note = problem("", Vec::new());
    note.diagnostic.severity = Severity::Note;
    note.diagnostic.message = "this file is no model".into();
    note
}

#[test]
fn a_warning_with_help() {
    insta::assert_snapshot!(plain(&warning()), @"
    dependency::unresolved

      ⚠ cannot tell what `ref(name)` reads
       ╭─[models/dynamic.py:4:6]
     3 │ name = pick()
     4 │ df = ref(name)
       ·      ────┬────
       ·          ╰── known only when it runs
     5 │ write_to_model(df)
       ╰────
      help: name it in the module's docstring: `- ref('...')`
    ");
}

#[test]
fn two_labels_in_a_cell_with_tabs_and_wide_characters() {
    insta::assert_snapshot!(plain(&error_in_cell()), @"
    write::twice

      × the model is written twice
       ╭─[models/nötes, 2.ipynb, cell 3:3:2]
     1 │ write_to_model(größe)
       · ──────────┬──────────
       ·           ╰── written here
     2 │ if ok:
     3 │     write_to_model(日本語, 1)
       ·     ────────────┬────────────
       ·                 ╰── and again
       ╰────
      help: write once, at the end: 100% of the rows
    ");
}

#[test]
fn the_column_counts_characters() {
    let source = "größe = '日本語'; x = = 1\n";
    let problem = problem(source, vec![label(source, "= = 1", "here")]);
    assert_eq!(
        problem.one_line(),
        "models/a.py:1:18: error: invalid syntax [python::syntax]"
    );
    insta::assert_snapshot!(plain(&problem), @"
    python::syntax

      × invalid syntax
       ╭─[models/a.py:1:18]
     1 │ größe = '日本語'; x = = 1
       ·                     ──┬──
       ·                       ╰── here
       ╰────
    ");
}

#[test]
fn the_end_of_a_file_can_be_marked() {
    let source = "x = (1,\r\n";
    insta::assert_snapshot!(plain(&problem(source, vec![label_at(source, 9, 9, "never closed")])), @"
    python::syntax

      × invalid syntax
       ╭─[models/a.py:1:8]
     1 │ x = (1,
       ·        ┬
       ·        ╰── never closed
       ╰────
    ");
}

#[test]
fn without_a_text_the_file_is_named() {
    insta::assert_snapshot!(plain(&note()), @"
    python::syntax

      ☞ models/a.py: this file is no model
    ");
}

#[test]
fn spans_outside_the_text_do_no_harm() {
    let source = "größe\n";
    for (start, end) in [
        (3, 4),
        (5, 2),
        (7, 7),
        (0, 900),
        (800, 900),
        (u32::MAX, u32::MAX),
    ] {
        let from = Position { line: 1, column: 1 };
        let label = Label {
            span: Span {
                start,
                end,
                from,
                to: from,
            },
            text: "x".into(),
        };
        let text = plain(&problem(source, vec![label.clone()]));
        assert!(
            text.contains("invalid syntax") && text.contains("models/a.py"),
            "{start}..{end}: {text}"
        );
        let text = plain(&problem("", vec![label]));
        assert!(
            text.contains("models/a.py: invalid syntax"),
            "{start}..{end}: {text}"
        );
    }
}

#[test]
fn labels_on_line_ends_are_shown() {
    for (source, start, end) in [
        ("a\n\nb\n", 1, 2),
        ("a\n\nb\n", 2, 2),
        ("a\n\nb\n", 5, 5),
        ("\n\n", 1, 1),
        ("a\r\n", 1, 3),
    ] {
        let text = plain(&problem(
            source,
            vec![label_at(source, start, end, "marked")],
        ));
        assert!(
            text.contains("marked"),
            "{start}..{end} of {source:?}: {text}"
        );
    }
}

#[test]
fn all_at_once_are_counted() {
    let problems = [warning(), error_in_cell(), note(), warning()];
    let text = render_problems(&problems, Theme::PLAIN, Some(80));
    assert_eq!(text.lines().last(), Some("1 error, 2 warnings, 1 note"));
    assert_eq!(text.matches("dependency::unresolved").count(), 2);
    assert_eq!(
        render_problems(&[], Theme::PLAIN, None),
        "No problems found\n"
    );
}

#[test]
fn colours_only_when_allowed() {
    assert!(!plain(&warning()).contains('\u{1b}'));
    assert!(printable(&render_problem(&warning(), Theme::COLOR, None), true).contains("\u{1b}["));
}

#[test]
fn github() {
    let problems = [warning(), error_in_cell(), note()];
    insta::assert_snapshot!(github_annotations(&problems), @"
    ::warning file=models/dynamic.py,line=4,endLine=4,col=6,endColumn=15,title=dependency%3A%3Aunresolved::cannot tell what `ref(name)` reads%0Ahelp: name it in the module's docstring: `- ref('...')`
    ::error file=models/nötes%2C 2.ipynb,title=write%3A%3Atwice::cell 3, line 3: the model is written twice%0Ahelp: write once, at the end: 100%25 of the rows
    ::notice file=models/a.py,title=python%3A%3Asyntax::this file is no model
    ");
}

#[test]
fn github_shows_a_failed_node_at_its_line() {
    let page = crate::sample::Page::default();
    let mut reporter = GithubReporter::new(page.boxed());
    let events = [
        crate::sample::success(),
        crate::sample::failed_with_frames(),
    ]
    .concat();
    events.iter().for_each(|event| reporter.event(event));
    insta::assert_snapshot!(page.text(), @"
    ::error file=scripts/fit%2C all.py,line=7,title=customer_clusters%3A exception::Traceback ...%0AValueError: 100%25 wrong
    ::error file=models/forecast.ipynb,title=forecast%3A exception::cell 3, line 2: Traceback ...%0AValueError: 100%25 wrong
    ::error file=models/report.sql,title=report%3A failed::
    ");
}

#[test]
fn sarif_2_1_0() {
    insta::assert_snapshot!(sarif(&[warning(), error_in_cell(), note()], "0.1.0"), @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "version": "2.1.0",
      "runs": [
        {
          "tool": {
            "driver": {
              "name": "fal-host",
              "version": "0.1.0",
              "rules": [
                {
                  "id": "dependency::unresolved"
                },
                {
                  "id": "write::twice"
                },
                {
                  "id": "python::syntax"
                }
              ]
            }
          },
          "columnKind": "unicodeCodePoints",
          "results": [
            {
              "ruleId": "dependency::unresolved",
              "ruleIndex": 0,
              "level": "warning",
              "message": {
                "text": "cannot tell what `ref(name)` reads\nhelp: name it in the module's docstring: `- ref('...')`"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "models/dynamic.py"
                    },
                    "region": {
                      "startLine": 4,
                      "startColumn": 6,
                      "endLine": 4,
                      "endColumn": 15
                    }
                  }
                }
              ],
              "relatedLocations": []
            },
            {
              "ruleId": "write::twice",
              "ruleIndex": 1,
              "level": "error",
              "message": {
                "text": "cell 3, line 3: the model is written twice\nhelp: write once, at the end: 100% of the rows"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "models/n%C3%B6tes%2C%202.ipynb"
                    }
                  },
                  "logicalLocations": [
                    {
                      "name": "cell 3"
                    }
                  ]
                }
              ],
              "relatedLocations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "models/n%C3%B6tes%2C%202.ipynb"
                    }
                  },
                  "logicalLocations": [
                    {
                      "name": "cell 3"
                    }
                  ],
                  "id": 0,
                  "message": {
                    "text": "written here"
                  }
                }
              ]
            },
            {
              "ruleId": "python::syntax",
              "ruleIndex": 2,
              "level": "note",
              "message": {
                "text": "this file is no model"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "models/a.py"
                    }
                  }
                }
              ],
              "relatedLocations": []
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn json() {
    insta::assert_snapshot!(problems_json(&[error_in_cell(), note()]), @r#"
    {
      "version": 1,
      "errors": 1,
      "warnings": 0,
      "notes": 1,
      "problems": [
        {
          "path": "models/nötes, 2.ipynb",
          "cell": 3,
          "severity": "error",
          "code": "write::twice",
          "message": "the model is written twice",
          "help": "write once, at the end: 100% of the rows",
          "labels": [
            {
              "text": "and again",
              "from": {
                "line": 3,
                "column": 2
              },
              "to": {
                "line": 3,
                "column": 24
              }
            },
            {
              "text": "written here",
              "from": {
                "line": 1,
                "column": 1
              },
              "to": {
                "line": 1,
                "column": 22
              }
            }
          ]
        },
        {
          "path": "models/a.py",
          "cell": null,
          "severity": "note",
          "code": "python::syntax",
          "message": "this file is no model",
          "help": null,
          "labels": []
        }
      ]
    }
    "#);
}

#[test]
fn a_long_line_is_clipped_around_its_labels() {
    let source = format!(
        "x = '{}' + bad + '{}' +\n{}\n",
        "a".repeat(70_000),
        "ö".repeat(70_000),
        "z".repeat(500)
    );
    let labels = vec![
        label(&source, "bad", "here"),
        label_at(&source, source.len() - 501, source.len(), "long"),
    ];
    let clipped = problem(&source, labels);
    assert!(
        clipped.one_line().starts_with("models/a.py:1:70010: error"),
        "{}",
        clipped.one_line()
    );
    let text = plain(&clipped);
    assert!(
        text.contains("models/a.py:1:70010]")
            && text.contains("a' + bad + 'ö")
            && text.contains("here"),
        "{text}"
    );
    assert!(
        text.contains("ö…\n") && text.chars().count() < 4000,
        "{text}"
    );
}

#[test]
fn a_label_over_a_long_line_shows_its_ends() {
    let source = format!("begin{}end\n", "日本".repeat(60_000));
    let text = plain(&problem(
        &source,
        vec![label_at(&source, 0, source.len(), "all")],
    ));
    assert!(
        text.contains("begin日本")
            && text.contains('…')
            && text.contains("本end")
            && text.contains("all"),
        "{text}"
    );
}

#[test]
fn what_a_terminal_would_obey_is_written_out() {
    let source = "x = '\u{1b}[2J\u{202e}' + )\r\ny = 1\r";
    let mut odd = problem(source, vec![label(source, ")", "\u{1b}]0;title\u{7}")]);
    odd.source_name = "models/\u{9b}31mevil.py".into();
    insta::assert_snapshot!(plain(&odd), @r"
    python::syntax

      × invalid syntax
       ╭─[models/\u009b31mevil.py:1:15]
     1 │ x = '\u001b[2J\u202e' + )
       ·                         ┬
       ·                         ╰── \u001b]0;title\u0007
     2 │ y = 1
       ╰────
    ");
}

/// Generates text in which troublesome characters are frequent.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        "\\PC{0,12}",
        "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200d}\u{202e}\u{fdd0}\u{fdd1}\u{fe0f}]{0,4}",
        "[\\r\\n\\t日本👍🏽ö\u{301}]{0,6}",
        Just("\u{1b}[31m\u{1b}]0;x\u{7}".to_owned()),
        (
            0..4usize,
            prop::sample::select(vec!["a", "\t", "本", "\u{7}", "\u{301}"])
        )
            .prop_map(|(size, piece)| piece.repeat([1, 90, 700, 70_000][size])),
    ];
    prop::collection::vec(odd, 0..6).prop_map(|parts| parts.concat())
}

fn odd_label() -> impl Strategy<Value = Label> {
    let offset =
        || prop_oneof![4 => 0..40u32, 2 => 0..2000u32, 1 => 0..300_000u32, 1 => Just(u32::MAX)];
    let position = || (offset(), offset()).prop_map(|(line, column)| Position { line, column });
    (offset(), offset(), position(), position(), odd_text()).prop_map(
        |(start, end, from, to, text)| Label {
            span: Span {
                start,
                end,
                from,
                to,
            },
            text,
        },
    )
}

fn odd_problem() -> impl Strategy<Value = SourceProblem> {
    let severity = prop::sample::select(vec![Severity::Error, Severity::Warning, Severity::Note]);
    let labels = prop::collection::vec(odd_label(), 0..6);
    let texts = (
        odd_text(),
        odd_text(),
        odd_text(),
        odd_text(),
        prop::option::of(odd_text()),
    );
    (texts, labels, severity, prop::option::of(0..3u32)).prop_map(
        |((path, source, code, message, help), labels, severity, cell)| {
            let diagnostic = Diagnostic {
                code,
                severity,
                message,
                labels,
                help,
                cell,
            };
            match cell {
                Some(cell) => SourceProblem::in_cell(path, cell, source, diagnostic),
                None => SourceProblem::in_file(path, source, diagnostic),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_problem_is_shown_in_every_format(odd in odd_problem(), width in prop::option::of(0..400usize)) {
        let problems = std::slice::from_ref(&odd);
        for (theme, styled) in [(Theme::PLAIN, false), (Theme::COLOR, true)] {
            let text = printable(&render_problem(&odd, theme, width), styled);
            prop_assert!(!mark_styles(&text).contains(|char: char| char.is_control() && !matches!(char, '\n' | '\t')), "{text:?}");
        }
        for json in [problems_json(problems), sarif(problems, "1.0.0")] {
            let json: serde_json::Value = serde_json::from_str(&printable(&json, false)).unwrap();
            prop_assert!(json.is_object());
        }
        let annotation = printable(&github_annotations(problems), false);
        prop_assert!(annotation.starts_with("::") && annotation.ends_with('\n') && annotation.matches('\n').count() == 1);
    }
}
