//! Commands in the configuration: words, groups of words, or a line for a shell.

use std::borrow::Cow;

use schemars::{json_schema, JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// A string, number or boolean in YAML. Commands receive all of them as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `text`
    Text(String),
    /// `8`
    Integer(i64),
    /// `0.5`
    Number(f64),
    /// `true`
    Boolean(bool),
}

impl Scalar {
    /// Returns the value as text.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
        }
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

/// A word, or a group of words that is kept or left out as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Item {
    /// `docker`
    Word(Scalar),
    /// `[--cpus, "{cpus}"]`: left out if one of its placeholders has no value.
    Group(Vec<Scalar>),
}

/// A command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Words {
    /// A line for a shell.
    Line(String),
    /// A list of words.
    List(Vec<Item>),
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Use a list of types instead of `anyOf`, so that a validator names the mistake instead of
        // reporting that no alternative matches.
        json_schema!({
            "description": "A list of words; a list within it is left out if one of its placeholders has no value. With `shell: true` also one line.",
            "type": ["array", "string"],
            "minItems": 1,
            "minLength": 1,
            "items": {
                "type": ["string", "number", "boolean", "array"],
                "minItems": 1,
                "items": {"type": ["string", "number", "boolean"]},
            },
        })
    }
}
