//! A YAML file with its text, for reading values and reporting errors with their place.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    env_var::{self, Env},
    yaml::{self, Kind, Node},
};
use crate::{diagnostics::FileDiagnostic, error::ProjectError};

/// A YAML file that was read.
pub(crate) struct Source<'a> {
    /// The path for messages.
    name: String,
    text: String,
    env: Env<'a>,
}

impl<'a> Source<'a> {
    /// Reads a file that messages call `name`; `None` if it does not exist.
    pub(crate) fn read(
        path: &Path,
        name: &str,
        env: Env<'a>,
    ) -> Result<Option<Self>, ProjectError> {
        let bytes = match fal_files::read(path, fal_files::TEXT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(ProjectError::Read {
                    path: PathBuf::from(path),
                    source,
                });
            }
        };
        let name = name.to_owned();
        let text = String::from_utf8(bytes).map_err(|_| {
            Box::new(
                FileDiagnostic::error(&name, "yaml::not_utf8", "this file is not UTF-8")
                    .with_help("save it as UTF-8"),
            )
        })?;
        let text = text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text);
        Ok(Some(Self { name, text, env }))
    }

    #[cfg(test)]
    pub(crate) fn new(text: &str, env: Env<'a>) -> Self {
        Self {
            name: "test.yml".to_owned(),
            text: text.to_owned(),
            env,
        }
    }

    /// Parses the file: a mapping, or empty.
    pub(crate) fn tree(&self) -> Result<Node, ProjectError> {
        let tree = yaml::parse(&self.name, &self.text)?;
        match tree.kind {
            Kind::Map(_) | Kind::Null => Ok(tree),
            _ => Err(self.wrong("this file", &tree, "a mapping")),
        }
    }

    /// Makes an error at a line.
    pub(crate) fn complain(
        &self,
        line: usize,
        message: String,
        help: Option<String>,
    ) -> ProjectError {
        let diagnostic = FileDiagnostic::error(&self.name, "config::invalid", message)
            .with_line(&self.text, line, "here");
        ProjectError::Invalid(Box::new(FileDiagnostic { help, ..diagnostic }))
    }

    /// Makes an error about a value of the wrong type.
    pub(crate) fn wrong(&self, what: &str, node: &Node, wanted: &str) -> ProjectError {
        self.complain(
            node.line,
            format!("{what} must be {wanted}, not {}", node.kind_name()),
            None,
        )
    }

    /// Reads text and evaluates `env_var` in it. Numbers and booleans are read as written.
    pub(crate) fn string(&self, what: &str, node: &Node) -> Result<String, ProjectError> {
        let text = match &node.kind {
            Kind::Scalar(Value::String(text)) => text.clone(),
            Kind::Scalar(other) => other.to_string(),
            _ => return Err(self.wrong(what, node, "text")),
        };
        self.evaluated(node, &text)
    }

    fn evaluated(&self, node: &Node, text: &str) -> Result<String, ProjectError> {
        env_var::evaluate(text, self.env).map_err(|name| {
            let message = format!("the environment variable {name} is not set");
            let help = format!("set {name}, or give a default: env_var('{name}', '...')");
            self.complain(node.line, message, Some(help))
        })
    }

    /// Returns the value as JSON, with `env_var` evaluated in its texts.
    pub(crate) fn json(&self, node: &Node) -> Result<Value, ProjectError> {
        Ok(match &node.kind {
            Kind::Scalar(Value::String(text)) => Value::String(self.evaluated(node, text)?),
            Kind::List(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.json(item))
                    .collect::<Result<_, _>>()?,
            ),
            Kind::Map(entries) => {
                let values = entries
                    .iter()
                    .map(|(key, _, value)| Ok((key.clone(), self.json(value)?)));
                Value::Object(values.collect::<Result<_, ProjectError>>()?)
            }
            Kind::Null | Kind::Scalar(_) => node.json(),
        })
    }

    /// Reads the text of a key, if it is there.
    pub(crate) fn optional_string(
        &self,
        node: &Node,
        key: &str,
    ) -> Result<Option<String>, ProjectError> {
        match node.get(key) {
            Some(value) if !value.is_null() => self.string(&format!("`{key}`"), value).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads a text or a list of texts.
    pub(crate) fn strings(&self, what: &str, node: &Node) -> Result<Vec<String>, ProjectError> {
        match &node.kind {
            Kind::Null => Ok(Vec::new()),
            Kind::List(items) => items.iter().map(|item| self.string(what, item)).collect(),
            Kind::Scalar(_) => Ok(vec![self.string(what, node)?]),
            Kind::Map(_) => Err(self.wrong(what, node, "text or a list")),
        }
    }

    /// Returns an error for the first unknown key.
    pub(crate) fn only(&self, what: &str, node: &Node, known: &[&str]) -> Result<(), ProjectError> {
        match &node.kind {
            Kind::Map(_) | Kind::Null => {}
            _ => return Err(self.wrong(what, node, "a mapping")),
        }
        let Some((key, line, _)) = node
            .entries()
            .iter()
            .find(|(key, ..)| !known.contains(&key.as_str()))
        else {
            return Ok(());
        };
        let help = fal_plugin::nearest(key, known.iter().copied()).map_or_else(
            || format!("known are: {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(self.complain(*line, format!("{what} has no key `{key}`"), Some(help)))
    }
}
