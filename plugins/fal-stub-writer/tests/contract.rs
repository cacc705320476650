//! The contract of the stage: this writer passes, and one with a single fault fails the case for
//! it.

use fal_plugin::{
    payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest},
    PluginError, StubWriter,
};
use fal_plugin_testkit::{stub_writer, Need};
use fal_stub_writer::SqlStubWriter;
use serde_json::{json, Value};

fn writer(config: &Value) -> SqlStubWriter {
    SqlStubWriter::new(config).unwrap()
}

#[test]
fn the_whole_contract_holds() {
    let report = stub_writer(&writer(&Value::Null));
    report.assert_ok();
    assert_eq!(report.failed(Need::Optional).count(), 0, "{report}");
}

#[test]
fn options_keep_what_is_required() {
    let report = stub_writer(&writer(
        &json!({"folder": "stubs", "relation": "target_schema"}),
    ));
    report.assert_ok();
    assert_eq!(
        report.failed(Need::Optional).collect::<Vec<_>>(),
        ["stub-writer/byte-for-byte"],
        "{report}"
    );
}

/// This writer with one fault in its stubs or verdicts.
struct Spoiled {
    stub: fn(&mut Stub),
    verdict: fn(&str, StubVerdict) -> StubVerdict,
}

const FAIR: Spoiled = Spoiled {
    stub: |_| {},
    verdict: |_, verdict| verdict,
};

impl StubWriter for Spoiled {
    fn folder(&self) -> String {
        "fal".to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        let mut stub = writer(&Value::Null).render(request)?;
        (self.stub)(&mut stub);
        Ok(stub)
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        Ok((self.verdict)(
            &request.content,
            writer(&Value::Null).judge(request)?,
        ))
    }
}

#[track_caller]
fn fails(cases: &str, writer: &Spoiled) {
    let report = stub_writer(writer);
    let failed: Vec<_> = report
        .failed(Need::Required)
        .map(|name| name.trim_start_matches("stub-writer/"))
        .collect();
    assert_eq!(failed.join(" "), cases, "{report}");
}

#[test]
fn one_fault_fails_its_case() {
    fails("", &FAIR);
    fails(
        "below-folder",
        &Spoiled {
            stub: |stub| stub.path = stub.path.replacen("fal/", "elsewhere/", 1),
            ..FAIR
        },
    );
    fails(
        "below-folder",
        &Spoiled {
            stub: |stub| stub.path = format!("fal/../{}", stub.path),
            ..FAIR
        },
    );
    fails(
        "own-file",
        &Spoiled {
            stub: |stub| stub.path = stub.path.replace("staging", "marts"),
            ..FAIR
        },
    );
    fails(
        "own-stub",
        &Spoiled {
            stub: |stub| stub.content.push_str("-- the end\n"),
            ..FAIR
        },
    );
    fails(
        "edited",
        &Spoiled {
            verdict: |content, verdict| {
                if content.ends_with("select 1") {
                    StubVerdict::Ours
                } else {
                    verdict
                }
            },
            ..FAIR
        },
    );
    fails(
        "foreign",
        &Spoiled {
            verdict: |content, verdict| {
                if content.is_empty() {
                    StubVerdict::Edited
                } else {
                    verdict
                }
            },
            ..FAIR
        },
    );
}
