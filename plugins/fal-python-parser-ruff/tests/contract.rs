//! The contract of the stage.

use fal_plugin_testkit::{python_parser, Need};
use fal_python_parser_ruff::RuffParser;

#[test]
fn the_whole_contract_holds() {
    let report = python_parser(&RuffParser);
    report.assert_ok();
    assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
}
