//! `--vars`: a YAML mapping, as dbt takes it.

use serde_json::{Map, Value};

/// For clap.
pub(crate) fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let example = "give a mapping such as '{day: 2024-01-31}'";
    match serde_saphyr::from_str::<Value>(text) {
        Ok(Value::Object(vars)) => Ok(vars),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(example.to_owned()),
        Err(cause) => Err(format!(
            "{}; {example}",
            cause.to_string().lines().next().unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_and_json_mappings_are_taken() {
        assert_eq!(
            Value::Object(parse("{day: 2024-01-31, n: 3}").unwrap()),
            json!({"day": "2024-01-31", "n": 3})
        );
        assert_eq!(
            Value::Object(parse(r#"{"a": [true, null]}"#).unwrap()),
            json!({"a": [true, null]})
        );
        assert_eq!(
            Value::Object(parse("a: b\nc: 1.5").unwrap()),
            json!({"a": "b", "c": 1.5})
        );
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for text in ["3", "[1]", "just text", "{a: "] {
            assert!(
                parse(text).unwrap_err().contains("give a mapping"),
                "{text}"
            );
        }
    }
}
