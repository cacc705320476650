//! A plugin with all four stages and one fault in one call, which `ACME_FAULT` names:
//! `STAGE METHOD COUNT FAULT`.
//!
//! Faults in a plugin's own code are in `stages`, behind the guard of every plugin. This module
//! corrupts answers outside of the guard, with bytes that no plugin with `export_plugin!` returns.

mod fault;
mod stages;

use std::sync::Arc;

use abi_stable::{
    export_root_module,
    prefix_type::PrefixTypeTrait,
    sabi_trait::TD_Opaque,
    std_types::{RResult, RSlice, RStr, RString, RVec},
};
use fal_plugin::{
    __private::{manifest_json, open_stage, Served},
    abi::{HostBox, HostObject, HostObject_TO, PluginRoot, PluginRootRef, StageBox, StageObject, StageObject_TO},
    manifest::Stage,
};
use serde_json::{json, Value};

use crate::{fault::Due, stages::Good};

/// A stage whose answers are corrupted if a fault says so.
struct Spoiled {
    stage: String,
    good: StageBox,
    host: Arc<HostBox>,
}

impl StageObject for Spoiled {
    fn call(
        &self,
        method: RStr<'_>,
        request: RSlice<'_, u8>,
        attachment: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>> {
        let due = fault::due(&self.stage, method.as_str());
        if let Some(due) = due {
            tell(due, &self.host, request.as_slice());
        }
        let answer = fault::within(due, || self.good.call(method, request, attachment));
        due.map_or(answer.clone(), |due| spoil(due, answer))
    }
}

fn spoil(due: Due, answer: RResult<RVec<u8>, RVec<u8>>) -> RResult<RVec<u8>, RVec<u8>> {
    let ok = |bytes: &[u8]| RResult::ROk(RVec::from(bytes.to_vec()));
    match due {
        "answers nonsense" => ok(b"colourless green ideas"),
        "answers in another shape" => ok(b"{\"colour\": [7]}"),
        "answers nothing" => ok(b""),
        "answers null" => ok(b"null"),
        "answers too much" => ok(format!("\"{}\"", "x".repeat(70 << 20)).as_bytes()),
        "answers half" => ok(&answer.as_ref().map(|bytes| bytes[..bytes.len() / 2].to_vec()).unwrap_or_default()),
        "answers outside" => match answer {
            // The answer is a folder or a stub.
            RResult::ROk(bytes) if bytes.starts_with(b"\"") => ok(b"\"../outside\""),
            _ => ok(b"{\"path\": \"acme/../../outside.sql\", \"content\": \"-- acme\"}"),
        },
        "answers with the user's file" => ok(b"{\"path\": \"acme/user_too.sql\", \"content\": \"-- acme\"}"),
        "errs nonsensically" => RResult::RErr(RVec::from(b"colourless green ideas".to_vec())),
        "errs without a word" => RResult::RErr(RVec::from(Vec::new())),
        "answers about another node" => answer.map(|bytes| {
            RVec::from(String::from_utf8_lossy(&bytes).replace("model.acme.", "model.elsewhere.").into_bytes())
        }),
        _ => answer,
    }
}

/// Sends events that the host does not expect: malformed ones, too many, or ones about another node
/// or session.
fn tell(due: Due, host: &Arc<HostBox>, request: &[u8]) {
    let session =
        serde_json::from_slice::<Value>(request).map(|request| request["session"].clone()).unwrap_or_default();
    let line = |node: &str, line: String| json!({"session": session, "body": {"event": "output", "unique_id": node, "stream": "stdout", "line": line}});
    let send = |event: &str| host.event(RSlice::from_slice(event.as_bytes()));
    match due {
        "tells nonsense" => ["", "{", "7", "{\"session\": \"x\"}", "\u{0}"].into_iter().for_each(send),
        "tells of another node" => send(&line("model.elsewhere.x", "hello".to_owned()).to_string()),
        "tells of another session" => {
            send(&json!({"session": 4711, "body": {"event": "log", "message": "x"}}).to_string());
        }
        "tells much" => (0..20_000).for_each(|count| send(&line("model.acme.a", format!("line {count}")).to_string())),
        "tells for ever" => {
            let (event, host) = (line("model.acme.a", "still there".to_owned()).to_string(), Arc::clone(host));
            std::thread::spawn(move || loop {
                host.event(RSlice::from_slice(event.as_bytes()));
                std::thread::sleep(std::time::Duration::from_millis(1));
            });
        }
        _ => {}
    }
}

/// Shares the host between the stage and its wrapper.
struct Shared(Arc<HostBox>);

impl HostObject for Shared {
    fn event(&self, event: RSlice<'_, u8>) {
        self.0.event(event);
    }
}

extern "C" fn manifest() -> RString {
    let due = fault::due("plugin", "hello");
    if let Some(due) = due {
        fault::act(due);
    }
    let schema: fn() -> Value = || json!({"type": "object"});
    let good = manifest_json("acme-faults", "0.3.0", "One fault at one moment", &Stage::ALL, Some(schema));
    let with = |key: &str, value: Value| {
        let mut manifest: Value = serde_json::from_str(&good).unwrap_or_default();
        manifest[key] = value;
        manifest.to_string().into()
    };
    match due {
        Some("answers nonsense") => "colourless green ideas".into(),
        Some("answers in another shape") => "{\"colour\": [7]}".into(),
        Some("answers nothing") => "".into(),
        Some("answers null") => "null".into(),
        Some("calls itself another") => with("name", json!("somebody-else")),
        Some("has no stage") => with("stages", json!([])),
        Some("has unknown stages") => with("stages", json!(["colours"])),
        Some("has a bad schema") => with("config_schema", json!({"type": "anything"})),
        _ => good,
    }
}

extern "C" fn open(stage: RStr<'_>, config: RStr<'_>, host: HostBox) -> RResult<StageBox, RVec<u8>> {
    let host = Arc::new(host);
    let due = fault::due(stage.as_str(), "opens");
    let inner = HostObject_TO::from_value(Shared(Arc::clone(&host)), TD_Opaque);
    let opened = fault::within(due, || {
        open_stage(stage, config, inner, |stage, config, host| {
            fault::inside()?;
            let good = Good::of(stage, config);
            Ok(match stage {
                Stage::PythonParser => Served::python_parser(good),
                Stage::NotebookParser => Served::notebook_parser(good),
                Stage::StubWriter => Served::stub_writer(good),
                _ => Served::execution_backend(good, host),
            })
        })
    });
    match (due, opened) {
        (Some("errs nonsensically"), _) => RResult::RErr(RVec::from(b"colourless green ideas".to_vec())),
        (Some("errs without a word"), _) => RResult::RErr(RVec::new()),
        (_, RResult::ROk(good)) => RResult::ROk(StageObject_TO::from_value(
            Spoiled { stage: stage.as_str().to_owned(), good, host },
            TD_Opaque,
        )),
        (_, error) => error,
    }
}

/// The root, as the export macro makes it.
#[export_root_module]
pub fn root() -> PluginRootRef {
    PluginRoot { manifest, open }.leak_into_prefix()
}

/// The probe, as the export macro writes it.
#[no_mangle]
pub extern "C" fn fal_plugin_probe() -> *const std::ffi::c_char {
    concat!(
        "{\"name\":\"acme-faults\",\"version\":\"0.3.0\",\"interface\":\"",
        fal_plugin::interface_version!(),
        "\"}\0"
    )
    .as_ptr()
    .cast()
}
