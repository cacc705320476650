//! The published reference of methods and messages is made from the schemas, so from the types. `cargo xtask schemas` writes it.

use std::{env, fmt::Write, fs, path::Path};

use fal_plugin::{
    manifest::INTERFACE_VERSION,
    schema::{documents, Document},
};
use serde_json::{Map, Value};

const START: &str = "# Methods and messages

Generated from the types by `cargo xtask schemas`; the same as JSON schemas is in [schemas](schemas).

A plugin in Rust implements the trait of its stage and sees these types as structs and enums of `fal_plugin::payload`. A plugin in a separate
process gets and gives them as JSON, as [processes.md](processes.md) says. Fields without a default must be there. Ignore fields that
you do not know: a newer host may send more, as [versions](versions.md) says.
";

/// The prefix of schemars' names for the envelopes of session messages:
/// `{\"session\": 1, \"body\": ...}`.
const ENVELOPE: &str = "SessionMessage";

struct Schema<'a> {
    definitions: &'a Map<String, Value>,
}

impl Schema<'_> {
    /// Returns the content of the envelope, if the type is one.
    fn unpacked<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match name(schema).filter(|name| name.starts_with(ENVELOPE)) {
            Some(envelope) => &self.definitions[envelope]["properties"]["body"],
            None => schema,
        }
    }

    /// Describes a type in a few words.
    fn shown(&self, schema: &Value) -> String {
        if let Some(name) = name(schema) {
            return format!("[{name}](#{})", name.to_lowercase());
        }
        if let Some(either) = schema["anyOf"].as_array() {
            return either
                .iter()
                .map(|one| self.shown(one))
                .collect::<Vec<_>>()
                .join(" or ");
        }
        match &schema["type"] {
            Value::String(one) if one == "array" => {
                format!("list of {}", self.shown(&schema["items"]))
            }
            Value::String(one) => one.clone(),
            Value::Array(several) => several
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            _ => "anything".to_owned(),
        }
    }

    fn fields(&self, text: &mut String, schema: &Value) {
        let Some(fields) = schema["properties"].as_object() else {
            return;
        };
        let required = schema["required"].as_array();
        text.push_str("\n| field | type | default | |\n|---|---|---|---|\n");
        for (field, of) in fields {
            let must = required.is_some_and(|names| names.iter().any(|name| name == field));
            let default = of
                .get("default")
                .map_or(String::new(), |value| format!("`{value}`"));
            let default = if must { String::new() } else { default };
            let shown = of
                .get("const")
                .map_or_else(|| self.shown(of), |value| format!("`{value}`"));
            writeln!(text, "| `{field}` | {shown} | {default} | {} |", line(of)).unwrap();
        }
    }

    fn definition(&self, text: &mut String, name: &str, schema: &Value) {
        writeln!(text, "\n### {name}").unwrap();
        if let Some(about) = schema["description"].as_str() {
            writeln!(text, "\n{}", plain(about)).unwrap();
        }
        let Some(variants) = schema["oneOf"].as_array() else {
            return self.fields(text, schema);
        };
        text.push('\n');
        for variant in variants {
            if let Some(value) = variant.get("const") {
                writeln!(text, "- `{value}`: {}", line(variant)).unwrap();
                continue;
            }
            let fields = variant["properties"].as_object().into_iter().flatten();
            let parts = fields.map(|(field, of)| match of.get("const") {
                Some(value) => format!("`\"{field}\": {value}`"),
                None => format!("`{field}` ({})", self.shown(of)),
            });
            let base = variant
                .get("$ref")
                .map(|_| format!("the fields of {}", self.shown(variant)));
            let parts = parts.chain(base).collect::<Vec<_>>().join(", ");
            writeln!(text, "- {parts}: {}", line(variant)).unwrap();
        }
    }
}

fn name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// Removes rustdoc's links, whose targets do not exist here.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let (word, behind) = link.split_once("`]").unwrap_or((link, ""));
        let target = behind
            .strip_prefix('(')
            .and_then(|behind| behind.split_once(')'));
        write!(plain, "{before}`{word}`").unwrap();
        rest = target.map_or(behind, |(_, behind)| behind);
    }
    plain + rest
}

/// Formats a description for a cell of a table.
fn line(schema: &Value) -> String {
    plain(schema["description"].as_str().unwrap_or_default())
        .replace('\n', " ")
        .replace('|', "\\|")
}

fn methods(text: &mut String, schema: &Schema<'_>, document: &Document) {
    text.push_str("\n| method | gets | beside it, as bytes | gives | |\n|---|---|---|---|---|\n");
    for (method, of) in document.content["x-methods"].as_object().unwrap() {
        let (request, answer) = (
            schema.shown(schema.unpacked(&of["request"])),
            schema.shown(&of["answer"]),
        );
        let attachment = of["attachment"].as_str().unwrap_or_default();
        writeln!(
            text,
            "| `{method}` | {request} | {attachment} | {answer} | {} |",
            line(of)
        )
        .unwrap();
    }
    if let Some(event) = document.content.get("x-event") {
        let shown = schema.shown(schema.unpacked(event));
        writeln!(text, "\nAll but `capabilities` are in an envelope, `{{\"session\": 1, \"body\": ...}}`, with a number that the host chose.").unwrap();
        writeln!(
            text,
            "In the same envelope a session tells the host each {shown}."
        )
        .unwrap();
    }
}

fn reference() -> String {
    let mut text = START.to_owned();
    writeln!(text, "\nThis is interface {INTERFACE_VERSION}.").unwrap();
    let mut known: Map<String, Value> = Map::new();
    for document in documents() {
        let definitions = document.content["$defs"].as_object().unwrap();
        let schema = Schema { definitions };
        let title = document.content["title"].as_str().unwrap();
        writeln!(text, "\n## {title}").unwrap();
        if document.content.get("x-methods").is_some() {
            methods(&mut text, &schema, &document);
        }
        for (name, of) in definitions
            .iter()
            .filter(|(name, _)| !name.starts_with(ENVELOPE))
        {
            // Describe a type that several stages share once, with the first.
            if let Some(before) = known.insert(name.clone(), of.clone()) {
                assert_eq!(&before, of, "two types are called {name}");
                continue;
            }
            schema.definition(&mut text, name, of);
        }
    }
    text
}

#[test]
fn the_published_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/reference.md");
    let reference = reference();
    if env::var_os("FAL_WRITE_SCHEMAS").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let published = fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == reference,
        "docs/plugins/reference.md is not current: `cargo xtask schemas`"
    );
}

#[test]
fn every_link_has_its_heading() {
    let reference = reference();
    for link in reference
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
    {
        let found = reference
            .lines()
            .any(|line| line.to_lowercase() == format!("### {link}"));
        assert!(found, "#{link}");
    }
    assert!(!reference.contains(ENVELOPE) && !reference.contains("[`"));
}
