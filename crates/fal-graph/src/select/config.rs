//! The method `config`: a value somewhere in a node's configuration, compared as Python compares.

use serde_json::{Map, Value};

/// Returns whether the configuration has the wanted value at the path, or a list that contains it.
pub(super) fn matches(config: &Map<String, Value>, path: &[String], wanted: &Value) -> bool {
    let mut found = None;
    for (depth, key) in path.iter().enumerate() {
        let inner = if depth == 0 {
            config.get(key)
        } else {
            found.and_then(|value: &Value| value.get(key))
        };
        match inner {
            Some(inner) => found = Some(inner),
            None => return false,
        }
    }
    let ignore_case = path.len() == 1 && path[0] == "severity";
    match found {
        Some(Value::Array(list)) => list.iter().any(|value| same(value, wanted, ignore_case)),
        Some(value) => same(value, wanted, ignore_case),
        None => false,
    }
}

fn same(value: &Value, wanted: &Value, ignore_case: bool) -> bool {
    match (value, wanted) {
        (Value::String(value), Value::String(wanted)) if ignore_case => {
            value.to_uppercase() == wanted.to_uppercase()
        }
        // `true` in upper or lower case means the boolean.
        (Value::Bool(value), Value::String(wanted)) => {
            wanted.to_lowercase() == if *value { "true" } else { "false" }
        }
        (value, wanted) => match (number(value), number(wanted)) {
            (Some(value), Some(wanted)) => value == wanted,
            _ => value == wanted,
        },
    }
}

/// Returns the number of a number or boolean, which Python compares with each other.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn compares_as_python_does() {
        let Value::Object(config) = json!({
            "materialized": "table", "severity": "ERROR", "enabled": true, "tags": ["a", "b"], "full_refresh": null,
            "meta": {"owner": {"name": "me"}, "n": 3, "pii": [true], "off": false}
        }) else {
            return;
        };
        let check = |path: &str, wanted: Value| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            matches(&config, &path, &wanted)
        };
        assert!(check("materialized", json!("table")));
        assert!(!check("materialized", json!("TABLE")));
        assert!(check("severity", json!("error")));
        assert!(check("enabled", json!("TRUE")));
        assert!(check("enabled", json!(true)));
        assert!(check("tags", json!("b")));
        assert!(check("meta.owner.name", json!("me")));
        assert!(check("meta.pii", json!("true")));
        assert!(check("meta.off", json!("False")));
        assert!(check("meta.n", json!(3)));
        assert!(!check("meta.n", json!("3")), "text never equals a number");
        assert!(!check("meta.owner", json!("me")));
        assert!(!check("full_refresh", json!("None")));
        assert!(!check("nothing.there", json!("x")));
    }
}
