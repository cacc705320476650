//! The contract of the stage.

use fal_notebook_parser::IpynbParser;
use fal_plugin_testkit::{notebook_parser, Need};

#[test]
fn the_whole_contract_holds() {
    let report = notebook_parser(&IpynbParser::new(&serde_json::Value::Null).unwrap());
    report.assert_ok();
    assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
}
