//! Tests the contract of the stage in process. `fal-host plugin check` runs the same cases through
//! the library.

use fal_plugin_testkit::stub_writer;
use serde_json::{json, Value};

use my_plugin::Stubs;

#[test]
fn the_contract_holds() {
    let stubs = Stubs::new(&Value::Null).unwrap();
    stub_writer(&stubs).assert_ok();
}

#[test]
fn the_contract_holds_with_options() {
    let stubs = Stubs::new(&json!({"folder": "stubs"})).unwrap();
    stub_writer(&stubs).assert_ok();
}
