//! JSON schemas of everything that crosses to a plugin as JSON: for plugins in other languages, and for readers of messages.
//!
//! They are published as files in `docs/plugins/schemas`. A document a stage: its methods, each with request and answer, and
//! under `$defs` the types. Readers ignore fields that they do not know, and so do the schemas.

use schemars::{generate::SchemaSettings, SchemaGenerator};
use serde_json::{json, Map, Value};

use crate::{
    manifest::{Manifest, Probe, Stage, INTERFACE_VERSION},
    payload::PAYLOAD_VERSION,
    wire::{self, Method, WireError},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema for publication.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Name of its file, without extension: that of the stage, or `plugin`.
    pub name: &'static str,
    /// The JSON.
    pub content: Value,
}

/// Returns all documents: the one of the manifest, then those of the stages.
pub fn documents() -> Vec<Document> {
    let stages = Stage::ALL.map(|stage| Document {
        name: stage.name(),
        content: stage_document(stage),
    });
    [Document {
        name: "plugin",
        content: plugin_document(),
    }]
    .into_iter()
    .chain(stages)
    .collect()
}

fn generator() -> SchemaGenerator {
    SchemaGenerator::new(SchemaSettings::draft2020_12())
}

fn document(title: &str, parts: Map<String, Value>, mut generator: SchemaGenerator) -> Value {
    let mut document = json!({
        "$schema": DIALECT,
        "title": title,
        "x-interface": INTERFACE_VERSION,
        "x-payload": PAYLOAD_VERSION,
    });
    if let Value::Object(all) = &mut document {
        all.extend(parts);
        all.insert(
            "$defs".to_owned(),
            Value::Object(generator.take_definitions(true)),
        );
    }
    document
}

fn plugin_document() -> Value {
    let mut generator = generator();
    let mut parts = Map::new();
    parts.insert(
        "x-probe".to_owned(),
        generator.subschema_for::<Probe>().to_value(),
    );
    parts.insert(
        "x-manifest".to_owned(),
        generator.subschema_for::<Manifest>().to_value(),
    );
    document("What a plugin says of itself", parts, generator)
}

fn stage_document(stage: Stage) -> Value {
    let mut generator = generator();
    let methods = wire::methods(stage, &mut generator);
    let methods: Map<_, _> = methods
        .into_iter()
        .map(|method| (method.name.to_owned(), describe(method)))
        .collect();
    let mut parts = Map::new();
    parts.insert("x-methods".to_owned(), Value::Object(methods));
    parts.insert(
        "x-error".to_owned(),
        generator.subschema_for::<WireError>().to_value(),
    );
    if stage == Stage::ExecutionBackend {
        parts.insert("x-event".to_owned(), wire::event(&mut generator).to_value());
    }
    document(&format!("Messages of the stage {stage}"), parts, generator)
}

fn describe(method: Method) -> Value {
    let mut described = json!({"description": method.about, "request": method.request});
    if let Some(attachment) = method.attachment {
        described["attachment"] = json!(attachment);
    }
    described["answer"] = json!(method.answer);
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_referred_to_by_their_names() {
        let backend = stage_document(Stage::ExecutionBackend);
        assert_eq!(
            backend["x-methods"]["load"]["answer"],
            json!({"$ref": "#/$defs/RunGraph"})
        );
        let open = backend["x-methods"]["open"]["request"]["$ref"]
            .as_str()
            .unwrap();
        let definition = backend.pointer(open.trim_start_matches('#')).unwrap();
        assert_eq!(
            definition["properties"]["body"],
            json!({"description": "The request or event itself.", "$ref": "#/$defs/OpenRequest"})
        );
        assert_eq!(definition["required"], json!(["session", "body"]));
    }
}
