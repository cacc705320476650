//! Tests the contract of the stage, and this parser's rule.

use fal_plugin::PythonParser;
use fal_plugin_testkit::python_parser;
use serde_json::{json, Value};

use my_plugin::HouseParser;

#[test]
fn the_contract_holds() {
    let parser = HouseParser::new(&Value::Null).unwrap();
    python_parser(&parser).assert_ok();
}

#[test]
fn models_can_be_named_in_comments() {
    let parser = HouseParser::new(&json!({"keyword": "needs"})).unwrap();
    let text = "a = ref('a')\n# needs: größe, c\nwrite_to_model(a)\n";
    let analysis = parser.parse("models/m.py", text).unwrap();
    let found: Vec<_> = analysis
        .dependencies
        .iter()
        .map(|one| one.args[0].as_str())
        .collect();
    assert_eq!(found, ["a", "größe", "c"]);
    for one in &analysis.dependencies[1..] {
        assert_eq!(
            text[one.span.start as usize..one.span.end as usize],
            one.args[0]
        );
        assert_eq!(one.span.from.line, 2);
    }
    assert_eq!(analysis.dependencies[2].span.from.column, 17);
}
