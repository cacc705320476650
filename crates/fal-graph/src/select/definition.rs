//! Selectors of `selectors.yml`, as written there or as dbt's manifest keeps them.

use serde_json::{Map, Value};

use super::criterion::{Criterion, Reach, levels, parse_method};
use super::spec::{Combine, IndirectSelection, Spec};
use fal_plugin::nearest;

use crate::error::SelectError;

/// All selectors of the project.
#[derive(Clone, Copy)]
pub(super) struct Definitions<'a> {
    pub(super) all: &'a Map<String, Value>,
    pub(super) indirect: IndirectSelection,
}

impl Definitions<'_> {
    /// Name of the selector that is used when the user selects nothing.
    pub(super) fn default_name(&self) -> Option<&str> {
        let is_default = |entry: &Value| entry.get("default").is_some_and(is_true);
        self.all
            .iter()
            .find(|(_, entry)| is_default(entry))
            .map(|(name, _)| name.as_str())
    }

    /// Returns the selector called `name`.
    pub(super) fn parse(&self, name: &str) -> Result<Spec, SelectError> {
        self.named(name, &mut Vec::new())
    }

    /// Resolves a definition. `open` holds the selectors whose definitions led here, to detect
    /// cycles.
    fn named(&self, name: &str, open: &mut Vec<String>) -> Result<Spec, SelectError> {
        let Some(entry) = self.all.get(name) else {
            let nearest = nearest(name, self.all.keys().map(String::as_str)).map(str::to_owned);
            return Err(SelectError::UnknownSelector {
                name: name.to_owned(),
                nearest,
            });
        };
        if open.iter().any(|other| other == name) {
            return Err(fault(open, "it refers to itself"));
        }
        open.push(name.to_owned());
        // With its description and name around it, or bare.
        let definition = entry.get("definition").unwrap_or(entry);
        let spec = self.any(definition, open)?;
        open.pop();
        Ok(spec)
    }

    fn any(&self, definition: &Value, open: &mut Vec<String>) -> Result<Spec, SelectError> {
        match definition {
            Value::String(expression) => Criterion::parse(expression, self.indirect).map(Spec::One),
            Value::Object(map) => match (map.get("union"), map.get("intersection")) {
                (Some(parts), _) => self.set(Combine::Union, parts, open),
                (None, Some(parts)) => self.set(Combine::Intersection, parts, open),
                (None, None) => self.criterion(map, open),
            },
            other => Err(fault(
                open,
                &format!("expected an expression or a mapping, found {other}"),
            )),
        }
    }

    fn set(
        &self,
        combine: Combine,
        parts: &Value,
        open: &mut Vec<String>,
    ) -> Result<Spec, SelectError> {
        let mut included = Vec::new();
        let mut excluded = None;
        for part in list(parts, open)? {
            match part.get("exclude") {
                Some(_) if excluded.is_some() => {
                    return Err(fault(open, "two 'exclude' in one list"));
                }
                Some(_) if part.get("method").is_none() => excluded = self.excluded(part, open)?,
                _ => included.push(self.any(part, open)?),
            }
        }
        let group = Spec::group(combine, included);
        Ok(without(group, excluded))
    }

    fn excluded(
        &self,
        definition: &Value,
        open: &mut Vec<String>,
    ) -> Result<Option<Spec>, SelectError> {
        let Some(parts) = definition.get("exclude") else {
            return Ok(None);
        };
        let mut specs = Vec::new();
        for part in list(parts, open)? {
            specs.push(self.any(part, open)?);
        }
        Ok(if specs.len() > 1 {
            Some(Spec::group(Combine::Union, specs))
        } else {
            specs.pop()
        })
    }

    fn criterion(
        &self,
        map: &Map<String, Value>,
        open: &mut Vec<String>,
    ) -> Result<Spec, SelectError> {
        if map.len() == 1
            && let Some((method, value)) = map.iter().next()
        {
            return self.leaf(method, value, &Map::new(), open).map(Spec::One);
        }
        let (Some(method), Some(value)) =
            (map.get("method").and_then(Value::as_str), map.get("value"))
        else {
            return Err(fault(open, "expected one key, or 'method' and 'value'"));
        };
        if method == "selector" {
            return self.named(value.as_str().unwrap_or_default(), open);
        }
        let leaf = Spec::One(self.leaf(method, value, map, open)?);
        Ok(without(
            leaf,
            self.excluded(&Value::Object(map.clone()), open)?,
        ))
    }

    fn leaf(
        &self,
        method: &str,
        value: &Value,
        map: &Map<String, Value>,
        open: &[String],
    ) -> Result<Criterion, SelectError> {
        let raw = format!(
            "{method}:{}",
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        );
        let (method, arguments) = parse_method(method, &raw)?;
        let indirect = match map.get("indirect_selection").and_then(Value::as_str) {
            Some(mode) => mode
                .parse()
                .map_err(|error: SelectError| fault(open, &error.to_string()))?,
            None => self.indirect,
        };
        let flag = |key: &str| map.get(key).is_some_and(is_true);
        Criterion {
            raw,
            method,
            arguments,
            value: value.clone(),
            childrens_parents: flag("childrens_parents"),
            parents: reach(flag("parents"), map.get("parents_depth")),
            children: reach(flag("children"), map.get("children_depth")),
            indirect,
        }
        .checked()
    }
}

fn without(spec: Spec, excluded: Option<Spec>) -> Spec {
    match excluded {
        Some(excluded) => Spec::group(Combine::Difference, vec![spec, excluded]),
        None => spec,
    }
}

/// As in Python: dbt keeps `+` of an expression in place of `true`.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => true,
    }
}

/// dbt takes a depth of the number 0 for no limit, and of the text "0" for no level.
fn reach(wanted: bool, depth: Option<&Value>) -> Reach {
    match depth {
        _ if !wanted => Reach::Nowhere,
        Some(Value::String(digits)) => levels(digits),
        Some(Value::Number(number)) if number.as_u64() != Some(0) => levels(&number.to_string()),
        _ => Reach::Everything,
    }
}

fn list<'v>(value: &'v Value, open: &[String]) -> Result<&'v Vec<Value>, SelectError> {
    value
        .as_array()
        .ok_or_else(|| fault(open, &format!("expected a list, found {value}")))
}

fn fault(open: &[String], reason: &str) -> SelectError {
    SelectError::Definition {
        selector: open.last().cloned().unwrap_or_default(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(all: Value) -> String {
        let Value::Object(all) = all else {
            return "no mapping".to_owned();
        };
        match (Definitions {
            all: &all,
            indirect: IndirectSelection::Eager,
        })
        .parse("s")
        {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn mistakes_name_the_selector() {
        insta::assert_snapshot!(parse(json!({"t": "a"})), @"no selector is called 's' in selectors.yml; did you mean 't'?");
        insta::assert_snapshot!(parse(json!({"s": {"method": "selector", "value": "s"}})), @"selector 's' in selectors.yml: it refers to itself");
        insta::assert_snapshot!(parse(json!({"s": {"union": "a"}})), @r#"selector 's' in selectors.yml: expected a list, found "a""#);
        insta::assert_snapshot!(parse(json!({"s": {"union": [{"exclude": ["a"]}, {"exclude": ["b"]}]}})), @"selector 's' in selectors.yml: two 'exclude' in one list");
        insta::assert_snapshot!(parse(json!({"s": {"value": "a", "parents": true}})), @"selector 's' in selectors.yml: expected one key, or 'method' and 'value'");
        insta::assert_snapshot!(parse(json!({"s": {"definition": {"tag": "a"}}})), @"fine");
    }
}
