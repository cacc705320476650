//! Parses a criterion such as `2+tag:nightly+1`.

use serde_json::Value;

use super::method::Method;
use super::spec::IndirectSelection;
use crate::error::SelectError;

/// How far a criterion reaches in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Nowhere,
    Levels(usize),
    Everything,
}

/// A method, its value, and the graph operators around it.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    /// As the user wrote it.
    pub(super) raw: String,
    pub(super) method: Method,
    /// `materialized` in `config.materialized`.
    pub(super) arguments: Vec<String>,
    /// A string unless it comes from YAML.
    pub(super) value: Value,
    /// `@`: descendants and all their ancestors.
    pub(super) childrens_parents: bool,
    pub(super) parents: Reach,
    pub(super) children: Reach,
    pub(super) indirect: IndirectSelection,
}

impl Criterion {
    /// Parses an expression without spaces and commas.
    pub(super) fn parse(raw: &str, indirect: IndirectSelection) -> Result<Self, SelectError> {
        if raw.contains('\n') {
            return Err(syntax(raw, "it holds a line break"));
        }
        let (childrens_parents, rest) = match raw.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, raw),
        };
        let (parents, rest) = split_parents(rest);
        let (method, rest) = split_method(rest);
        let (value, children) = split_children(rest);
        let (method, arguments) = match method {
            Some(method) => parse_method(method, raw)?,
            None => (Method::of_bare(value), Vec::new()),
        };
        let value = Value::String(value.to_owned());
        Self {
            raw: raw.to_owned(),
            method,
            arguments,
            value,
            childrens_parents,
            parents,
            children,
            indirect,
        }
        .checked()
    }

    /// Refuses operators that contradict each other.
    pub(super) fn checked(self) -> Result<Self, SelectError> {
        if self.childrens_parents && self.children != Reach::Nowhere {
            return Err(syntax(
                &self.raw,
                "\"@\" before and \"+\" behind exclude each other",
            ));
        }
        Ok(self)
    }

    /// Returns the value as text, in Python's spelling.
    pub(super) fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Null => "None".to_owned(),
            other => other.to_string(),
        }
    }

    /// Returns the method with its arguments, as written before the colon.
    pub(super) fn method_text(&self, name: &str) -> String {
        std::iter::once(name)
            .chain(self.arguments.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(".")
    }
}

/// Splits `config.materialized` into the method and its arguments.
pub(super) fn parse_method(text: &str, raw: &str) -> Result<(Method, Vec<String>), SelectError> {
    let mut words = text.split('.');
    let method = Method::parse(words.next().unwrap_or_default(), raw)?;
    Ok((method, words.map(str::to_owned).collect()))
}

fn split_parents(text: &str) -> (Reach, &str) {
    let digits = count_digits(text);
    match text[digits..].strip_prefix('+') {
        Some(rest) => (levels(&text[..digits]), rest),
        None => (Reach::Nowhere, text),
    }
}

fn split_method(text: &str) -> (Option<&str>, &str) {
    match text.split_once(':') {
        Some((method, value)) if !method.is_empty() && method.chars().all(is_method_char) => {
            (Some(method), value)
        }
        _ => (None, text),
    }
}

fn is_method_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

fn split_children(text: &str) -> (&str, Reach) {
    match text.rsplit_once('+') {
        Some((value, depth)) if count_digits(depth) == depth.len() => (value, levels(depth)),
        _ => (text, Reach::Nowhere),
    }
}

fn count_digits(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len()
}

/// Parses a depth. No number, or one that overflows, means no limit.
pub(super) fn levels(digits: &str) -> Reach {
    digits.parse().map_or(Reach::Everything, Reach::Levels)
}

fn syntax(expression: &str, reason: &str) -> SelectError {
    SelectError::Syntax {
        expression: expression.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(raw: &str) -> String {
        match Criterion::parse(raw, IndirectSelection::Eager) {
            Ok(c) => {
                let at = if c.childrens_parents { "@ " } else { "" };
                format!(
                    "{at}{:?} {:?} {:?} {} {:?}",
                    c.parents, c.method, c.arguments, c.value, c.children
                )
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn operators_methods_and_values_come_apart() {
        insta::assert_snapshot!(parts("a"), @r#"Nowhere Fqn [] "a" Nowhere"#);
        insta::assert_snapshot!(parts("2+a+1"), @r#"Levels(2) Fqn [] "a" Levels(1)"#);
        insta::assert_snapshot!(parts("+a+"), @r#"Everything Fqn [] "a" Everything"#);
        insta::assert_snapshot!(parts("@tag:x"), @r#"@ Nowhere Tag [] "x" Nowhere"#);
        insta::assert_snapshot!(parts("config.meta.owner:me"), @r#"Nowhere Config ["meta", "owner"] "me" Nowhere"#);
        insta::assert_snapshot!(parts("a+b"), @r#"Nowhere Fqn [] "a+b" Nowhere"#);
        insta::assert_snapshot!(parts("a++"), @r#"Nowhere Fqn [] "a+" Everything"#);
        insta::assert_snapshot!(parts("models/a.sql+"), @r#"Nowhere Path [] "models/a.sql" Everything"#);
        insta::assert_snapshot!(parts("a.py"), @r#"Nowhere File [] "a.py" Nowhere"#);
        insta::assert_snapshot!(parts("A.SQL"), @r#"Nowhere File [] "A.SQL" Nowhere"#);
        insta::assert_snapshot!(parts("schema.yml"), @r#"Nowhere Fqn [] "schema.yml" Nowhere"#);
        insta::assert_snapshot!(parts("source:a:b"), @r#"Nowhere Source [] "a:b" Nowhere"#);
        insta::assert_snapshot!(parts("state:modified+"), @r#"Nowhere External("state") [] "modified" Everything"#);
        insta::assert_snapshot!(parts("99999999999999999999999+a"), @r#"Everything Fqn [] "a" Nowhere"#);
        insta::assert_snapshot!(parts("+"), @r#"Everything Fqn [] "" Nowhere"#);
    }

    #[test]
    fn mistakes_are_named() {
        insta::assert_snapshot!(parts("@a+"), @r#"'@a+' is not a selector: "@" before and "+" behind exclude each other"#);
        insta::assert_snapshot!(parts("tga:x"), @"'tga' is not a selection method, in 'tga:x'; did you mean 'tag'?");
        insta::assert_snapshot!(parts("zzzzzz:x"), @"'zzzzzz' is not a selection method, in 'zzzzzz:x'");
    }
}
