//! A stub writer with the one fault that `ACME_FAULT` names. Most faults occur only for a model
//! with very many dependencies.

use std::{
    env, fs, process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use fal_plugin::{
    payload::{Stub, StubRequest, StubVerdict, StubVerdictRequest},
    PluginError, StubWriter,
};
use serde_json::{json, Value};

const FOLDER: &str = "acme";
const MARK: &str = "-- acme ";
const MANY: usize = 300;

fn fault(name: &str) -> bool {
    env::var("ACME_FAULT").is_ok_and(|fault| fault == name)
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

/// Carries out the fault for a model with many dependencies.
#[allow(unsafe_code)]
fn go_wrong() {
    match env::var("ACME_FAULT").unwrap_or_default().as_str() {
        "hangs" => {
            // Notify the test that the plugin hangs now.
            if let Some(file) = env::var_os("ACME_HANGS") {
                let _ = fs::write(file, "");
            }
            forever()
        }
        "is slow" => thread::sleep(Duration::from_secs(4)),
        "panics" => panic!("cannot stand so many"),
        "aborts" => process::abort(),
        "exits" => process::exit(0),
        "crashes" => unsafe { std::ptr::null_mut::<u8>().write_volatile(1) },
        "prints" => println!("debug: many dependencies"),
        "complains" => eprintln!("warning: many dependencies"),
        _ => {}
    }
}

struct Stubs;

/// Returns the FNV-1a hash of a text.
fn checksum(body: &str) -> u64 {
    body.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn sealed(body: &str) -> String {
    format!("{MARK}{:016x}\n{body}", checksum(body))
}

impl StubWriter for Stubs {
    fn folder(&self) -> String {
        FOLDER.to_owned()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        if request.dependencies.len() >= MANY {
            go_wrong();
        }
        let parts: Vec<&str> = request.path.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return Err(PluginError::new("acme::path", format!("`{}` is no path of a model", request.path)));
        }
        let refs: String = request.dependencies.iter().map(|one| format!("-- {{{{ {} }}}}\n", one.text)).collect();
        let mut body = format!("{{{{ config(materialized='ephemeral') }}}}\n{refs}select * from {{{{ this }}}}\n");
        if fault("forgets") {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            body = format!("{body}-- stub number {}\n", COUNT.fetch_add(1, Ordering::Relaxed));
        }
        let stem = request.path.rsplit_once('.').map_or(request.path.as_str(), |(stem, _)| stem);
        Ok(Stub { path: format!("{FOLDER}/{stem}.sql"), content: sealed(&body) })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        let content = request.content.replace("\r\n", "\n");
        let body = content.split_once('\n').map(|(_, body)| body);
        Ok(match body {
            Some(body) if content == sealed(body) => StubVerdict::Ours,
            _ if content.contains(MARK) && fault("grabs") => StubVerdict::Ours,
            _ if content.contains(MARK) => StubVerdict::Edited,
            _ => StubVerdict::Foreign,
        })
    }
}

fn config_schema() -> Value {
    if fault("hangs at once") {
        forever();
    }
    json!({"type": if fault("has a bad schema") { "anything" } else { "object" }, "additionalProperties": false})
}

fn open(_config: &Value) -> Result<Stubs, PluginError> {
    if fault("refuses") {
        return Err(PluginError::new("acme::licence", "the licence is out of date"));
    }
    if fault("leaks threads") {
        thread::spawn(|| forever());
    }
    Ok(Stubs)
}

fal_plugin::export_plugin! {
    description: "Writes stubs, and does one thing wrong",
    config_schema: config_schema,
    stub_writer: open,
}
