//! The JSON of a frame: a call of the host, or an answer or an event of the plugin.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{manifest::INTERFACE_VERSION, payload::PAYLOAD_VERSION};

/// A message of either side, read before its kind is known.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    /// Number of the call: chosen by the host, repeated in the answer.
    #[serde(default)]
    pub id: Option<u64>,
    /// The method that is called.
    #[serde(default, borrow)]
    pub method: Option<Cow<'a, str>>,
    /// Number of an open stage; in `open` the name of the stage.
    #[serde(default, borrow)]
    pub stage: Option<&'a RawValue>,
    /// In `open`: the number that the stage gets.
    #[serde(default, rename = "as")]
    pub number: Option<u64>,
    /// The request.
    #[serde(default, borrow, deserialize_with = "present")]
    pub body: Option<&'a RawValue>,
    /// The answer.
    #[serde(default, borrow, deserialize_with = "present")]
    pub ok: Option<&'a RawValue>,
    /// The error that is the answer.
    #[serde(default, borrow, deserialize_with = "present")]
    pub error: Option<&'a RawValue>,
    /// An event of a session.
    #[serde(default, borrow, deserialize_with = "present")]
    pub event: Option<&'a RawValue>,
    /// Length of what comes behind the JSON.
    #[serde(default)]
    pub attachment: Option<u64>,
}

impl Message<'_> {
    /// Returns the number of the stage that a call or event belongs to.
    pub fn stage_number(&self) -> Option<u64> {
        self.stage.and_then(|stage| stage.get().parse().ok())
    }

    /// Returns the name of the stage to open.
    pub fn stage_name(&self) -> Option<String> {
        self.stage
            .and_then(|stage| serde_json::from_str(stage.get()).ok())
    }
}

/// Reads `null` as an answer instead of a missing one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A call that the host writes.
#[derive(Debug, Serialize)]
pub struct Call<'a> {
    /// Number of the call.
    pub id: u64,
    /// Number of the stage, or its name in `open`; none for `hello`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'a RawValue>,
    /// The method.
    pub method: &'a str,
    /// In `open`: the number that the stage gets.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The request.
    pub body: &'a RawValue,
    /// Length of the attachment, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment: Option<usize>,
}

/// The host's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the host's interface.
    pub interface: String,
    /// Version of the host's payloads.
    pub payload: u32,
    /// What this host can do beyond version 1 of the protocol; nothing as yet.
    #[serde(default)]
    pub features: Vec<String>,
}

impl Default for Hello {
    fn default() -> Self {
        Self {
            interface: INTERFACE_VERSION.to_owned(),
            payload: PAYLOAD_VERSION,
            features: Vec::new(),
        }
    }
}
