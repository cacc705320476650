//! The contract of the stage.

use fal_plugin_testkit::{stub_writer, Need};
use fal_stub_writer::SqlStubWriter;

#[test]
fn the_whole_contract_holds() {
    let report = stub_writer(&SqlStubWriter::new(&serde_json::Value::Null).unwrap());
    report.assert_ok();
    assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
}
