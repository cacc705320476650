//! Properties of all notebooks, even of those that no tool would write.

use fal_notebook_parser::IpynbParser;
use fal_plugin::{payload::NotebookAnalysis, NotebookParser};
use proptest::prelude::*;
use serde_json::{json, Value};

/// Pieces of random cells that have no white space.
const PIECES: &str = r#"
    % %% ! ? , ; / = \ x f( ) [ { } ' " ''' """ f' f'''{ : %init_fal é
"#;
/// Pieces that have some, or characters that a string in this file cannot show.
const SPACED_PIECES: [&str; 12] = [
    " ",
    "\n",
    "\n    ",
    "\\\n",
    "# c",
    "%%bash\n",
    "%%time\n",
    "%%sql r <<\n",
    "import faldbt.magics",
    "\r\n",
    "\u{feff}",
    "\0",
];

fn pieces() -> Vec<&'static str> {
    PIECES.split_whitespace().chain(SPACED_PIECES).collect()
}

fn parse(notebook: &Value) -> NotebookAnalysis {
    IpynbParser::new(&Value::Null)
        .unwrap()
        .parse("x.ipynb", notebook.to_string().as_bytes())
        .unwrap()
}

fn notebook(sources: &[String]) -> Value {
    let cells: Vec<_> = sources
        .iter()
        .map(|source| json!({"cell_type": "code", "source": source}))
        .collect();
    json!({"nbformat": 4, "metadata": {}, "cells": cells})
}

/// Lines of a cell as an editor counts them, a last empty one left out.
fn line_count(source: &str) -> usize {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    source
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .split_terminator('\n')
        .count()
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::collection::vec(prop::sample::select(pieces()), 0..9)
            .prop_map(|pieces| pieces.concat()),
        any::<String>()
    ]
}

/// JSON that has the keys of a notebook with values of any kind.
fn json_like() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(3)),
        Just(json!(4)),
        Just(json!("code")),
        any::<i64>().prop_map(Value::from),
        cell().prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "nbformat",
        "cells",
        "worksheets",
        "cell_type",
        "source",
        "input",
        "language",
        "metadata",
        "kernelspec",
        "tags",
        "name",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| Value::Object(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn every_line_of_every_cell_is_mapped(sources in prop::collection::vec(cell(), 0..5)) {
        let analysis = parse(&notebook(&sources));
        prop_assert_eq!(analysis.python.split('\n').count() - 1, analysis.lines.len());
        prop_assert!(!analysis.python.contains('\r'));
        for (number, source) in (1..).zip(&sources) {
            let mapped: Vec<_> = analysis.lines.iter().filter(|origin| origin.cell == number).map(|origin| origin.line).collect();
            let expected: Vec<u32> = (1..).take(line_count(source)).collect();
            prop_assert_eq!(mapped, expected);
        }
    }

    #[test]
    fn places_of_problems_lie_in_the_text(sources in prop::collection::vec(cell(), 0..5)) {
        let analysis = parse(&notebook(&sources));
        for diagnostic in &analysis.diagnostics {
            for label in &diagnostic.labels {
                let span = label.span;
                prop_assert!(analysis.python.get(span.start as usize..span.end as usize).is_some());
                let before = &analysis.python[..span.start as usize];
                prop_assert_eq!(before.matches('\n').count() + 1, span.from.line as usize);
                let origin = analysis.lines[span.from.line as usize - 1];
                prop_assert_eq!(Some(origin.cell), diagnostic.cell);
            }
        }
    }

    #[test]
    fn no_json_panics(value in json_like(), indent in any::<bool>()) {
        let text = if indent { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
        let parser = IpynbParser::new(&Value::Null).unwrap();
        if let Ok(analysis) = parser.parse("x.ipynb", text.as_bytes()) {
            prop_assert_eq!(analysis.python.lines().count(), analysis.lines.len());
        }
    }

    #[test]
    fn a_notebook_of_any_cells_is_read(kind in json_like(), source in json_like(), metadata in json_like()) {
        let cell = json!({"cell_type": kind, "source": source, "metadata": metadata, "outputs": [metadata]});
        let code = json!({"cell_type": "code", "source": source, "metadata": {"tags": metadata}});
        let analysis = parse(&json!({"nbformat": 4, "metadata": {}, "cells": [cell, code]}));
        prop_assert_eq!(analysis.python.lines().count(), analysis.lines.len());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let parser = IpynbParser::new(&Value::Null).unwrap();
        prop_assert!(parser.parse("x.ipynb", &bytes).is_err());
    }
}
