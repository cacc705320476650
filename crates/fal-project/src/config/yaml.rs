//! YAML as a tree in which every value has its line, so that errors can point at it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Options, Spanned};

use crate::diagnostics::FileDiagnostic;

/// A value and its line.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Null,
    Scalar(Value),
    List(Vec<Node>),
    /// Keys with their lines, in order.
    Map(Vec<(String, usize, Node)>),
}

impl Node {
    /// Returns the value of a key of a mapping. If a key is given twice, the last value counts, as
    /// in PyYAML.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .rev()
            .find(|(name, ..)| name == key)
            .map(|(_, _, value)| value)
    }

    /// Returns keys, their lines, and values; empty if this is not a mapping.
    pub(crate) fn entries(&self) -> &[(String, usize, Self)] {
        if let Kind::Map(entries) = &self.kind {
            entries
        } else {
            &[]
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Names the value's type for messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar(Value::Bool(_)) => "true or false",
            Kind::Scalar(Value::Number(_)) => "a number",
            Kind::Scalar(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// Returns the value as JSON.
    pub(crate) fn json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, _, value)| (key.clone(), value.json()))
                .collect(),
        }
    }
}

/// Reads a file's text; `path` is for messages.
pub(crate) fn parse(path: &str, text: &str) -> Result<Node, Box<FileDiagnostic>> {
    let mut options = Options::default();
    // Read as PyYAML does, which dbt uses.
    options.duplicate_keys = DuplicateKeyPolicy::LastWins;
    options.strict_booleans = true;
    options.with_snippet = false;
    if text.trim().is_empty() {
        return Ok(Node {
            line: 1,
            kind: Kind::Null,
        });
    }
    match serde_saphyr::from_str_with_options::<Spanned<Tree>>(text, options) {
        Ok(tree) => Ok(tree.into()),
        Err(error) => {
            let line = error
                .location()
                .map_or(1, |location| line_of(location.line()));
            Err(Box::new(
                FileDiagnostic::error(
                    path,
                    "yaml::syntax",
                    format!("this is not valid YAML: {}", plain(&error)),
                )
                .with_line(text, line, "here"),
            ))
        }
    }
}

/// Returns the message without its place, which the excerpt shows.
fn plain(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let first = text.lines().next().unwrap_or_default();
    first
        .split(" at line ")
        .next()
        .unwrap_or(first)
        .trim_start_matches("error: ")
        .to_owned()
}

fn line_of(line: u64) -> usize {
    usize::try_from(line).unwrap_or(1).max(1)
}

struct Tree(RawKind);

enum RawKind {
    Null,
    Scalar(Value),
    List(Vec<Spanned<Tree>>),
    Map(Vec<(Spanned<Tree>, Spanned<Tree>)>),
}

impl From<Spanned<Tree>> for Node {
    fn from(tree: Spanned<Tree>) -> Self {
        let line = line_of(tree.referenced.line());
        let kind = match tree.value.0 {
            RawKind::Null => Kind::Null,
            RawKind::Scalar(value) => Kind::Scalar(value),
            RawKind::List(items) => Kind::List(items.into_iter().map(Self::from).collect()),
            RawKind::Map(entries) => Kind::Map(entries.into_iter().map(entry).collect()),
        };
        Self { line, kind }
    }
}

fn entry((key, value): (Spanned<Tree>, Spanned<Tree>)) -> (String, usize, Node) {
    let line = line_of(key.referenced.line());
    let name = match key.value.0 {
        RawKind::Scalar(Value::String(text)) => text,
        RawKind::Scalar(other) => other.to_string(),
        RawKind::Null | RawKind::List(_) | RawKind::Map(_) => String::new(),
    };
    (name, line, value.into())
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = RawKind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_none<E>(self) -> Result<RawKind, E> {
        Ok(RawKind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawKind, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<RawKind, E> {
        Ok(RawKind::Scalar(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawKind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(RawKind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawKind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(RawKind::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let tree = parse("f.yml", "a: 1\nb:\n  - x\n  - {c: null, 7: yes}\n").unwrap();
        assert_eq!(tree.get("a").unwrap().json(), 1);
        let list = tree.get("b").unwrap();
        let Kind::List(items) = &list.kind else {
            panic!("{list:?}")
        };
        assert_eq!((items[0].line, items[0].json()), (3, "x".into()));
        assert!(items[1].get("c").unwrap().is_null());
        assert_eq!(items[1].entries()[1].0, "7");
    }

    #[test]
    fn anchors_merges_and_repeated_keys_are_read_as_dbt_reads_them() {
        let tree = parse(
            "f.yml",
            "base: &b {x: 1, y: 1}\nuse:\n  <<: *b\n  y: 2\nk: 1\nk: 2\n",
        )
        .unwrap();
        assert_eq!(
            tree.get("use").unwrap().json(),
            serde_json::json!({"x": 1, "y": 2})
        );
        assert_eq!(tree.get("k").unwrap().json(), 2);
    }

    #[test]
    fn an_error_names_its_line() {
        let error = parse("f.yml", "a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert_eq!(error.code, "yaml::syntax");
        assert!(error.place().unwrap().1.line >= 2, "{error:?}");
    }

    #[test]
    fn an_empty_file_is_nothing() {
        assert!(parse("f.yml", "").unwrap().is_null());
        assert!(parse("f.yml", "# only a comment\n").unwrap().is_null());
    }
}
