//! `resources` under the keyword: numbers with units.

use fal_plugin::payload::Resources;
use serde_json::{Map, Value};

use super::meta::Meta;

const EXAMPLE: &str = "write `resources: {cpus: 2, memory: 4GB, gpus: 1, timeout: 2h}`";
const MEMORY: &str = "a number of bytes, or one with kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB or TiB (powers of 1024)";
const TIMEOUT: &str = "a number of seconds, or numbers with s, m, h or d such as `90s` or `1h30m`";

const SIZES: [(&str, f64); 9] = [
    ("b", 1.0),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("tb", 1e12),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
    ("tib", 1_099_511_627_776.0),
];
const TIMES: [(&str, f64); 4] = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Reads resources and adds their problems to `meta`.
pub(super) fn read_resources(meta: &mut Meta<'_>, value: &Value) -> Resources {
    let mut resources = Resources::default();
    let Some(keys) = meta.mapping("`resources`", value, EXAMPLE, "resources") else {
        return resources;
    };
    let mut reader = Reader { meta, keys };
    resources.cpus = reader.read("cpus", "a number, 0 or more", amount);
    resources.gpus = reader.read("gpus", "a number, 0 or more", amount);
    resources.memory = reader.read("memory", MEMORY, memory);
    resources.timeout = reader.read("timeout", TIMEOUT, seconds);
    let own = ["cpus", "gpus", "memory", "timeout"];
    let others = keys
        .iter()
        .filter(|(key, value)| !own.contains(&key.as_str()) && !value.is_null());
    resources.custom = others
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    resources
}

struct Reader<'r, 'm, 'v> {
    meta: &'r mut Meta<'m>,
    keys: &'v Map<String, Value>,
}

impl Reader<'_, '_, '_> {
    fn read<T>(&mut self, key: &str, wanted: &str, parse: fn(&Value) -> Option<T>) -> Option<T> {
        let value = self.keys.get(key).filter(|value| !value.is_null())?;
        let parsed = parse(value);
        if parsed.is_none() {
            let message = format!("`{key}` of `resources` cannot be {}", shown(value));
            self.meta.problem(message, format!("it is {wanted}"), key);
        }
        parsed
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// Reads a number, also as text: Jinja in a schema file turns numbers into text.
fn amount(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

fn memory(value: &Value) -> Option<u64> {
    let bytes = match value {
        Value::String(text) => {
            let (number, unit) = split(text.trim())?;
            number
                * if unit.is_empty() {
                    1.0
                } else {
                    factor(&SIZES, unit)?
                }
        }
        other => other.as_f64()?,
    };
    // The limit of what a machine could have. Beyond it a float does not hold every integer.
    (1.0..9e15).contains(&bytes).then(|| bytes.round() as u64)
}

fn seconds(value: &Value) -> Option<f64> {
    let seconds = match value {
        Value::String(text) => duration(text.trim())?,
        other => other.as_f64()?,
    };
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

/// Parses `90`, `90s`, `1h30m`, `1h 30m`.
fn duration(text: &str) -> Option<f64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let (mut rest, mut sum) = (text, 0.0);
    while !rest.is_empty() {
        let (number, behind) = split(rest)?;
        let end = behind
            .find(|char: char| !char.is_ascii_alphabetic())
            .unwrap_or(behind.len());
        sum += number * factor(&TIMES, &behind[..end])?;
        rest = behind[end..].trim_start();
    }
    (sum > 0.0).then_some(sum)
}

/// Splits off a number at the beginning.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text
        .find(|char: char| !char.is_ascii_digit() && char != '.')
        .unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, text[end..].trim_start()))
}

fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .map(|(_, factor)| *factor)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{
        super::{entry::ScriptOwner, place::Place},
        *,
    };

    fn read(value: Value) -> (Resources, String) {
        let owner = ScriptOwner {
            name: Some("orders".into()),
            kind: "model".into(),
            file: "models/s.yml".into(),
        };
        let mut meta = Meta::new("x", "fal", Place::new(Path::new("/nowhere"), &owner));
        let resources = read_resources(&mut meta, &value);
        let line = |problem: &crate::FileDiagnostic| {
            format!(
                "{}: {}; {}\n",
                problem.path,
                problem.message,
                problem.help.as_deref().unwrap_or_default()
            )
        };
        (resources, meta.problems.iter().map(line).collect())
    }

    #[test]
    fn memory_has_decimal_and_binary_units() {
        let cases: [(Value, u64); 10] = [
            (json!(1024), 1024),
            (json!(4e9), 4_000_000_000),
            (json!("1048576"), 1_048_576),
            (json!("512 B"), 512),
            (json!("4kB"), 4000),
            (json!("4GB"), 4_000_000_000),
            (json!("1.5 TB"), 1_500_000_000_000),
            (json!("512MiB"), 536_870_912),
            (json!("2gib"), 2_147_483_648),
            (json!("1TiB"), 1_099_511_627_776),
        ];
        for (value, bytes) in cases {
            let (resources, problems) = read(json!({ "memory": value.clone() }));
            assert_eq!(
                (resources.memory, problems.as_str()),
                (Some(bytes), ""),
                "{value}"
            );
        }
    }

    #[test]
    fn timeouts_have_units_that_may_be_joined() {
        let cases = [
            (json!(90), 90.0),
            (json!(0.5), 0.5),
            (json!("90"), 90.0),
            (json!("90s"), 90.0),
            (json!("2h"), 7200.0),
            (json!("1h30m"), 5400.0),
            (json!("1d 1s"), 86_401.0),
            (json!("1.5h"), 5400.0),
        ];
        for (value, seconds) in cases {
            let (resources, problems) = read(json!({ "timeout": value.clone() }));
            assert_eq!(
                (resources.timeout, problems.as_str()),
                (Some(seconds), ""),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_not_ours_is_the_runner_s() {
        let (resources, problems) = read(
            json!({"cpus": "0.5", "gpus": 0, "queue": "gpu", "labels": {"team": "ml"}, "memory": null}),
        );
        assert_eq!(
            (resources.cpus, resources.gpus, resources.memory),
            (Some(0.5), Some(0.0), None)
        );
        assert_eq!(
            Value::Object(resources.custom),
            json!({"queue": "gpu", "labels": {"team": "ml"}})
        );
        assert_eq!(problems, "");
    }

    #[test]
    fn every_bad_value_is_named() {
        insta::assert_snapshot!(read(json!({"cpus": -1, "gpus": "many", "memory": "4 elephants", "timeout": "soon"})).1, @r"
        models/s.yml: the model `orders`: `cpus` of `resources` cannot be `-1`; it is a number, 0 or more
        models/s.yml: the model `orders`: `gpus` of `resources` cannot be `many`; it is a number, 0 or more
        models/s.yml: the model `orders`: `memory` of `resources` cannot be `4 elephants`; it is a number of bytes, or one with kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB or TiB (powers of 1024)
        models/s.yml: the model `orders`: `timeout` of `resources` cannot be `soon`; it is a number of seconds, or numbers with s, m, h or d such as `90s` or `1h30m`
        ");
        insta::assert_snapshot!(read(json!("big")).1, @"models/s.yml: the model `orders`: `resources` must be a mapping, not text; write `resources: {cpus: 2, memory: 4GB, gpus: 1, timeout: 2h}`");
        let bad = ["cpus", "gpus", "memory", "timeout"]
            .into_iter()
            .flat_map(|key| {
                [
                    json!(true),
                    json!([1]),
                    json!(""),
                    json!("-1"),
                    json!(-1),
                    json!("1x"),
                    json!("NaN"),
                    json!("inf"),
                ]
                .map(|value| (key, value))
            });
        for (key, value) in bad.chain([
            ("memory", json!(0)),
            ("timeout", json!(0)),
            ("memory", json!("9999999TB")),
        ]) {
            let shown = format!("{key}: {value}");
            assert!(read(json!({ key: value })).1.contains(key), "{shown}");
        }
    }
}
