//! A stub writer for fal-host.
//!
//! A stub represents a Python model in dbt: a small SQL model that names the model's dependencies,
//! so that dbt knows the model and its place in the graph. This plugin renders stubs and decides
//! whether a file is a stub that it wrote; fal-host writes the files.

use fal_plugin::{
    payload::{Dependency, Stub, StubRequest, StubVerdict, StubVerdictRequest},
    PluginError, StubWriter,
};
use serde_json::{json, Value};

/// The start of every stub's first line. The checksum of the rest follows it.
const MARK: &str = "-- Written by my-plugin, do not edit. Checksum ";

/// The stage, with its options.
pub struct Stubs {
    folder: String,
}

impl Stubs {
    /// Reads the options: the mapping in `fal_project.yml` under `plugins: config: my-plugin:`, or
    /// `null`. fal-host has checked them against [`config_schema`].
    pub fn new(config: &Value) -> Result<Self, PluginError> {
        let folder = config["folder"].as_str().unwrap_or("generated");
        Ok(Self {
            folder: folder.to_owned(),
        })
    }
}

/// Returns the JSON schema of the options.
pub fn config_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "folder": {
                "description": "Folder below each model path that holds the stubs",
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9_]*$"
            }
        },
        "additionalProperties": false
    })
}

impl StubWriter for Stubs {
    fn folder(&self) -> String {
        self.folder.clone()
    }

    fn render(&self, request: &StubRequest) -> Result<Stub, PluginError> {
        // `marts/orders.py` gives `generated/marts/orders.sql`.
        let stem = stem(&request.path)?;
        let mut body = String::from("{{ config(materialized='ephemeral') }}\n");
        for dependency in &request.dependencies {
            body += &format!("-- {{{{ {} }}}}\n", name(dependency)?);
        }
        body += "select * from {{ this }}\n";
        let content = format!("{MARK}{:016x}\n{body}", checksum(&body));
        Ok(Stub {
            path: format!("{}/{stem}.sql", self.folder),
            content,
        })
    }

    fn judge(&self, request: &StubVerdictRequest) -> Result<StubVerdict, PluginError> {
        // Git may have converted the line ends to those of Windows. That is not an edit.
        let content = request.content.replace("\r\n", "\n");
        let Some((recorded, body)) = content
            .strip_prefix(MARK)
            .and_then(|rest| rest.split_once('\n'))
        else {
            // A stub with text before its mark was edited. A file without the mark is the user's.
            return Ok(if content.contains(MARK) {
                StubVerdict::Edited
            } else {
                StubVerdict::Foreign
            });
        };
        // `Ours` lets fal-host overwrite and remove the file, so the file must be exactly as this
        // plugin wrote it.
        let untouched = recorded == format!("{:016x}", checksum(body));
        Ok(if untouched {
            StubVerdict::Ours
        } else {
            StubVerdict::Edited
        })
    }
}

/// Returns the path without its extension, or an error if it leaves the model path.
fn stem(path: &str) -> Result<&str, PluginError> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']);
    if !path.split('/').all(plain) {
        return Err(PluginError::new(
            "stub::path",
            format!("`{path}` is no path below a model path"),
        ));
    }
    Ok(path.rsplit_once('.').map_or(path, |(stem, _)| stem))
}

/// Returns the dependency's text, or an error if it cannot be written between braces.
fn name(dependency: &Dependency) -> Result<&str, PluginError> {
    let text = dependency.text.as_str();
    if text.contains("}}") || text.contains(char::is_control) {
        let line = dependency.span.from.line;
        let message = format!("line {line}: {text:?} cannot stand in a stub");
        return Err(
            PluginError::new("stub::name", message).with_help("name the model as dbt knows it")
        );
    }
    Ok(text)
}

/// Returns the FNV-1a hash of a text. It detects accidental edits, and is the same on every machine
/// and with every compiler.
fn checksum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fal_plugin::export_plugin! {
    description: "Writes the stubs of Python models",
    config_schema: config_schema,
    stub_writer: Stubs::new,
}
