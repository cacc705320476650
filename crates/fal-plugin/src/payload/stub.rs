//! What a stub writer is asked and answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::python::Dependency;

/// A model that wants a stub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StubRequest {
    /// Name of the model: the stem of its file.
    pub model: String,
    /// Path of the model's file below its model path, with `/`.
    pub path: String,
    /// Its dependencies in order.
    pub dependencies: Vec<Dependency>,
}

/// A stub to be written by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stub {
    /// Path below the same model path, with `/`; must not leave it.
    pub path: String,
    /// The whole content.
    pub content: String,
}

/// A file at the path of a stub, or below the folder of stubs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StubVerdictRequest {
    /// Path below its model path, with `/`.
    pub path: String,
    /// Its content.
    pub content: String,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StubVerdict {
    /// Generated and untouched: it may be replaced or removed.
    Ours,
    /// Generated, then edited by hand: never touched.
    Edited,
    /// Not generated: never touched.
    Foreign,
}
