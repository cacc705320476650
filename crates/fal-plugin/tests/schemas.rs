//! The published schemas are those of the types, and a minor version only adds. `cargo xtask schemas` writes them.

use std::{collections::BTreeSet, env, ffi::OsString, fs, path::Path};

use fal_plugin::schema::documents;
use serde_json::{Map, Value};

#[test]
fn the_published_schemas_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plugins/schemas");
    let write = env::var_os("FAL_WRITE_SCHEMAS").is_some();
    let mut names = BTreeSet::new();
    for document in documents() {
        let path = folder.join(format!("{}.json", document.name));
        let content = serde_json::to_string_pretty(&document.content).unwrap() + "\n";
        if write {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &content).unwrap();
        }
        let published = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == content,
            "docs/plugins/schemas/{}.json is not current: `cargo xtask schemas`",
            document.name
        );
        names.insert(path.file_name().unwrap().to_owned());
    }
    let found: BTreeSet<OsString> = folder
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(found, names, "files in docs/plugins/schemas");
}

/// `tests/first` holds the schemas of the first version of this major version, without their texts.
#[test]
fn nothing_of_the_first_version_is_gone_or_another() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/first");
    let mut broken = Vec::new();
    for document in documents() {
        let first = fs::read_to_string(folder.join(format!("{}.json", document.name))).unwrap();
        compare(
            &serde_json::from_str(&first).unwrap(),
            &document.content,
            document.name,
            &mut broken,
        );
    }
    assert!(
        broken.is_empty(),
        "this needs a new major version:\n{}",
        broken.join("\n")
    );
}

/// Records what a plugin of the first version would miss or misread today.
fn compare(first: &Value, today: &Value, place: &str, broken: &mut Vec<String>) {
    match (first, today) {
        (Value::Object(first), Value::Object(today)) => {
            compare_objects(first, today, place, broken)
        }
        // Variants and types: more of them may be; a host that sends a new one asks for a capability first.
        (Value::Array(first), Value::Array(today)) => {
            for (index, item) in first.iter().enumerate() {
                if !today.iter().any(|other| fits(item, other)) {
                    broken.push(format!("{place}[{index}] is gone or another: {item}"));
                }
            }
        }
        _ if place.ends_with("/x-interface") || place.ends_with("/x-payload") || first == today => {
        }
        _ => broken.push(format!("{place} was {first} and is {today}")),
    }
}

fn compare_objects(
    first: &Map<String, Value>,
    today: &Map<String, Value>,
    place: &str,
    broken: &mut Vec<String>,
) {
    let required = |schema: &Map<String, Value>| {
        let names = schema
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        names
            .into_iter()
            .filter_map(|name| Some(name.as_str()?.to_owned()))
            .collect::<BTreeSet<_>>()
    };
    if !place.ends_with("/properties") {
        let more: Vec<_> = required(today)
            .difference(&required(first))
            .cloned()
            .collect();
        if !more.is_empty() {
            broken.push(format!("{place} requires {}", more.join(", ")));
        }
    }
    for (name, value) in first.iter().filter(|(name, _)| *name != "required") {
        let place = format!("{place}/{name}");
        match today.get(name) {
            Some(other) => compare(value, other, &place, broken),
            None => broken.push(format!("{place} is gone")),
        }
    }
}

fn fits(first: &Value, today: &Value) -> bool {
    let mut broken = Vec::new();
    compare(first, today, "", &mut broken);
    broken.is_empty()
}

#[test]
fn what_the_comparison_finds() {
    let first: Value = serde_json::json!({"$defs": {"A": {
        "properties": {"a": {"type": "string"}}, "required": ["a"], "oneOf": [{"const": "x"}],
    }}});
    let with = |pointer: &str, value: Value| {
        let mut today = first.clone();
        *today.pointer_mut(pointer).unwrap() = value;
        fits(&first, &today)
    };
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(with(
        "/$defs/A/properties",
        json(r#"{"b": {}, "a": {"type": "string", "description": "new"}}"#)
    ));
    assert!(with(
        "/$defs/A/oneOf",
        json(r#"[{"const": "y"}, {"const": "x"}]"#)
    ));
    assert!(with("/$defs/A/required", json("[]")));
    assert!(!with("/$defs/A/required", json(r#"["a", "b"]"#)));
    assert!(!with("/$defs/A/properties", json("{}")));
    assert!(!with("/$defs/A/properties/a/type", json(r#""integer""#)));
    assert!(!with("/$defs/A/oneOf", json(r#"[{"const": "y"}]"#)));
}
