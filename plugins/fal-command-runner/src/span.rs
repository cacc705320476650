//! Durations in the configuration: a number of seconds, or a number with a unit.

use std::{borrow::Cow, time::Duration};

use schemars::{json_schema, JsonSchema, Schema, SchemaGenerator};
use serde::{de::Error, Deserialize, Deserializer};
use serde_json::Value;

const UNITS: [(&str, f64); 5] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
];

/// The limit of a duration. A longer one is a mistake and would overflow the clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// A duration: `90`, `"90s"`, `"2h"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span(pub Duration);

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text
            .find(|char: char| char.is_ascii_alphabetic())
            .unwrap_or(text.len());
        let (number, unit) = (text[..unit].trim(), &text[unit..]);
        let factor = if unit.is_empty() {
            1.0
        } else {
            UNITS.iter().find(|(name, _)| *name == unit)?.1
        };
        let plain = number.starts_with(|char: char| char.is_ascii_digit());
        let seconds = number.parse::<f64>().ok().filter(|_| plain)? * factor;
        Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|time| *time < LONGEST)
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!("{value} is no time: 90, \"90s\", \"15m\", \"2h\""))
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A time: seconds, or a number with one of the units ms, s, m, h and d",
            "type": ["number", "string"],
            "minimum": 0,
            "pattern": "^ *[0-9]+(\\.[0-9]+)? *(ms|s|m|h|d)? *$",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_seconds_or_have_a_unit() {
        for (value, seconds) in [
            (json!(90), 90.0),
            (json!(0.5), 0.5),
            (json!("90"), 90.0),
            (json!("1.5 h"), 5400.0),
            (json!("250ms"), 0.25),
            (json!("2d"), 172_800.0),
        ] {
            assert_eq!(
                Span::deserialize(&value).unwrap().0.as_secs_f64(),
                seconds,
                "{value}"
            );
        }
        for wrong in [
            json!("soon"),
            json!(-1),
            json!("-1s"),
            json!("1w"),
            json!(""),
            json!("inf"),
            json!("1e400"),
            json!(1e18),
        ] {
            let error = Span::deserialize(&wrong).unwrap_err().to_string();
            assert!(error.contains("is no time"), "{wrong}: {error}");
        }
    }
}
