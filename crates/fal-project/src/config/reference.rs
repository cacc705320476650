//! docs/reference has the page of fal_project.yml and its JSON schema, made from the keys that the
//! parser accepts. `cargo xtask schemas` writes them.

use std::{env, fmt::Write, fs, path::Path};

use serde_json::{Map, Value, json};

use super::keys::{Form, Key, TOP};

const START: &str = "# fal_project.yml

Generated from the parser by `cargo xtask schemas`.
The file is beside `dbt_project.yml` and may be missing.
Texts may use `{{ env_var('NAME') }}`, also with a default; an unknown key is an error that names the nearest one.

Editors check and complete it by its [JSON schema](fal_project.schema.json): save the schema in your project, and begin the file with its path.

```yaml
# yaml-language-server: $schema=fal_project.schema.json
plugins:
  config:
    fal-dbt-backend: {engine: auto}
environments:
  - name: forecasting
    requirements: [prophet==1.1.6]
    python: \"3.11\"
```
";

/// Pages that explain the keys.
const MORE: [(&str, &str); 4] = [
    (
        "plugins",
        "[Trust](../plugins/trust.md) says when plugins of a project load, and [publishing](../plugins/publishing.md) where others are found.",
    ),
    (
        "routes",
        "[Running Python models elsewhere](../guide/runners.md) explains routes and runners.",
    ),
    (
        "runners",
        "[Operating runners](../plugins/operating-runners.md) says how they are limited and watched.",
    ),
    (
        "environments",
        "[Environments](../environments.md) says what is installed, when and where.",
    ),
];

fn page() -> String {
    let mut text = START.to_owned();
    for key in TOP {
        writeln!(text, "\n## {}\n\n{}.", key.name, key.about).unwrap();
        let more = MORE.iter().find(|(name, _)| *name == key.name);
        let (_, more) = more.expect("a page about each");
        writeln!(text, "{more}\n\n| key | value | meaning |\n|---|---|---|").unwrap();
        let (Form::Map(inner) | Form::List(inner)) = key.form else {
            continue;
        };
        for key in inner {
            let value = value(&key.form);
            writeln!(text, "| `{}` | {value} | {} |", key.name, key.about).unwrap();
        }
    }
    text
}

fn value(form: &Form) -> String {
    match form {
        Form::Required => "text, required".to_owned(),
        Form::Text => "text".to_owned(),
        Form::Texts => "text or a list of texts".to_owned(),
        Form::RequiredTexts => "text or a list of texts, required".to_owned(),
        Form::OneOf(names) => format!("`{}`", names.join("`, `")),
        Form::Seconds => "a number above 0".to_owned(),
        Form::Switch => "`true`, `false`, a name or a list of names".to_owned(),
        Form::Options => "a mapping".to_owned(),
        Form::OptionsByName => "a mapping from plugins to mappings".to_owned(),
        Form::Map(_) | Form::List(_) => "see below".to_owned(),
    }
}

fn schema() -> Value {
    let mut schema = mapping(TOP);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("fal_project.yml");
    let environment = &mut schema["properties"]["environments"]["items"];
    *environment = one_content(environment.take());
    schema
}

fn mapping(keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| {
            let mut schema = of_form(&key.form);
            schema["description"] = json!(key.about);
            (key.name.to_owned(), schema)
        })
        .collect();
    let required: Vec<_> = keys
        .iter()
        .filter(|key| matches!(key.form, Form::Required | Form::RequiredTexts))
        .map(|key| key.name)
        .collect();
    let mut schema = json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
        schema["type"] = json!("object");
    }
    schema
}

fn of_form(form: &Form) -> Value {
    let texts = json!({"type": "array", "items": {"type": ["string", "number", "boolean"]}});
    match form {
        Form::Required => json!({"type": "string", "minLength": 1}),
        Form::Text => json!({"type": ["string", "number", "null"]}),
        Form::RequiredTexts => json!({"anyOf": [{"type": "string", "minLength": 1}, texts]}),
        Form::Texts => json!({"anyOf": [{"type": ["string", "number", "null"]}, texts]}),
        Form::OneOf(names) => json!({"enum": names}),
        Form::Seconds => {
            json!({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": ["string", "null"]}]})
        }
        Form::Switch => json!({"anyOf": [{"type": ["boolean", "string", "null"]}, texts]}),
        Form::Options => json!({"type": ["object", "null"]}),
        Form::OptionsByName => {
            json!({"type": ["object", "null"], "additionalProperties": {"type": ["object", "null"]}})
        }
        Form::Map(keys) => mapping(keys),
        Form::List(keys) => json!({"type": ["array", "null"], "items": mapping(keys)}),
    }
}

/// Either `requirements` or `packages`, by the environment's type.
fn one_content(mut schema: Value) -> Value {
    schema["if"] = json!({"properties": {"type": {"const": "conda"}}, "required": ["type"]});
    schema["then"] = json!({"properties": {"requirements": false}});
    schema["else"] = json!({"properties": {"packages": false}});
    schema
}

#[test]
fn the_reference_of_fal_project_is_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    let schema = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    for (name, text) in [
        ("fal-project.md", page()),
        ("fal_project.schema.json", schema),
    ] {
        let path = folder.join(name);
        if env::var_os("FAL_WRITE_SCHEMAS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == text,
            "docs/reference/{name} is not current: run `cargo xtask schemas`"
        );
    }
}
