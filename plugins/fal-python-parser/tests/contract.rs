//! The contract of the stage.

use fal_plugin_testkit::{python_parser, Need};
use fal_python_parser::RustPythonParser;

#[test]
fn the_contract_holds_but_for_newer_grammar() {
    let report = python_parser(&RustPythonParser);
    report.assert_ok();
    // What the next parser of the chain is for.
    assert_eq!(report.failed(Need::Optional).collect::<Vec<_>>(), ["python-parser/new-grammar"], "{report}");
}
