//! A call of a plugin's process: its target, its frame, and why it has no answer.

use fal_plugin::{
    PluginError,
    process::{Call, MAX_ATTACHMENT, MAX_MESSAGE},
    wire::WireError,
};
use serde_json::value::RawValue;

use super::fault::Shared;

/// The target of a call.
pub(super) enum Target<'a> {
    /// The plugin.
    Plugin,
    /// A stage to be opened under a number.
    Open(&'a str, u64),
    /// An open stage.
    Stage(u64),
}

/// Why a call has no answer from the plugin.
pub(super) enum CallError {
    /// The process can no longer be used.
    Process(Shared),
    /// The call was not sent.
    Refused(PluginError),
}

impl CallError {
    /// Converts the error to the answer of a transport.
    pub(super) fn wire(&self, method: &str) -> Vec<u8> {
        let error = match self {
            Self::Process(fault) => fault.in_call(method),
            Self::Refused(error) => error.clone(),
        };
        serde_json::to_vec(&WireError::Plugin { error }).unwrap_or_default()
    }
}

/// Returns the JSON of a call's frame.
pub(super) fn message(
    plugin: &str,
    id: u64,
    to: &Target<'_>,
    method: &str,
    request: &[u8],
    attachment: usize,
) -> Result<Vec<u8>, CallError> {
    let refused = |what: String| CallError::Refused(PluginError::new("plugin::too_large", what));
    if request.len() > MAX_MESSAGE / 2 || attachment > MAX_ATTACHMENT {
        let size = request.len().max(attachment);
        let text = format!(
            "the request of `{method}` to the plugin `{plugin}` has {size} bytes: more than a frame takes"
        );
        return Err(refused(text));
    }
    let raw =
        |text: String| RawValue::from_string(text).map_err(|cause| refused(cause.to_string()));
    let (stage, number) = match to {
        Target::Plugin => (None, None),
        Target::Open(name, number) => (Some(raw(format!("\"{name}\""))?), Some(*number)),
        Target::Stage(number) => (Some(raw(number.to_string())?), None),
    };
    let body = match serde_json::from_slice::<&RawValue>(request) {
        Ok(body) => body.to_owned(),
        // Send invalid JSON as a string, so that the frame itself stays valid.
        Err(_) => raw(serde_json::Value::from(String::from_utf8_lossy(request)).to_string())?,
    };
    let attachment = (attachment > 0).then_some(attachment);
    let call = Call {
        id,
        stage: stage.as_deref(),
        method,
        number,
        body: &body,
        attachment,
    };
    serde_json::to_vec(&call).map_err(|cause| refused(cause.to_string()))
}
