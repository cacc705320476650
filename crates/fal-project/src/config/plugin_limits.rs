//! `plugins: timeout`, `session_timeout` and `isolate` of fal_project.yml.

use std::time::Duration;

use serde_json::Value;

use super::{
    source::Source,
    yaml::{Kind, Node},
};
use crate::error::ProjectError;

/// The libraries that run in a separate process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IsolateSetting {
    /// None.
    #[default]
    None,
    /// Those with these names.
    Named(Vec<String>),
    /// All.
    All,
}

/// Reads `isolate: true` or `isolate: [NAME]`.
pub(super) fn isolate(source: &Source<'_>, plugins: &Node) -> Result<IsolateSetting, ProjectError> {
    let Some(node) = plugins.get("isolate") else {
        return Ok(IsolateSetting::None);
    };
    match &node.kind {
        Kind::Null | Kind::Scalar(Value::Bool(false)) => Ok(IsolateSetting::None),
        Kind::Scalar(Value::Bool(true)) => Ok(IsolateSetting::All),
        Kind::Map(_) => Err(source.wrong("`isolate`", node, "true, or names of plugins")),
        _ => Ok(IsolateSetting::Named(source.strings("`isolate`", node)?)),
    }
}

/// Reads a number of seconds above 0.
pub(super) fn seconds(
    source: &Source<'_>,
    plugins: &Node,
    key: &str,
) -> Result<Option<Duration>, ProjectError> {
    let Some(text) = source.optional_string(plugins, key)? else {
        return Ok(None);
    };
    let seconds = text.parse().ok().filter(|seconds: &f64| *seconds > 0.0);
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map(Some).ok_or_else(|| {
        let line = plugins.get(key).map_or(plugins.line, |node| node.line);
        let help = Some(format!("for example `{key}: 60`"));
        source.complain(
            line,
            format!("`{key}` must be a number of seconds above 0, not `{text}`"),
            help,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(
        text: &str,
        reader: impl Fn(&Source<'_>, &Node) -> Result<T, ProjectError>,
    ) -> Result<T, String> {
        let source = Source::new(text, &|_| None);
        let with_help =
            |error: ProjectError| format!("{error}; {}", error.help().unwrap_or_default());
        reader(&source, &source.tree().unwrap()).map_err(with_help)
    }

    #[test]
    fn libraries_are_isolated_by_name_or_altogether() {
        let read = |text: &str| read(text, isolate);
        assert_eq!(read("isolate: true"), Ok(IsolateSetting::All));
        assert_eq!(read("isolate: false"), Ok(IsolateSetting::None));
        assert_eq!(read("isolate:"), Ok(IsolateSetting::None));
        assert_eq!(read("{}"), Ok(IsolateSetting::None));
        assert_eq!(
            read("isolate: acme"),
            Ok(IsolateSetting::Named(vec!["acme".into()]))
        );
        assert_eq!(
            read("isolate: [a, b]"),
            Ok(IsolateSetting::Named(vec!["a".into(), "b".into()]))
        );
        insta::assert_snapshot!(read("isolate: {a: 1}").unwrap_err(), @"test.yml: `isolate` must be true, or names of plugins, not a mapping; ");
    }

    #[test]
    fn times_are_seconds() {
        let read = |text: &str| read(text, |source, node| seconds(source, node, "timeout"));
        assert_eq!(read("timeout: 2.5"), Ok(Some(Duration::from_millis(2500))));
        assert_eq!(read("{}"), Ok(None));
        insta::assert_snapshot!(read("timeout: 1m").unwrap_err(), @"test.yml: `timeout` must be a number of seconds above 0, not `1m`; for example `timeout: 60`");
        insta::assert_snapshot!(read("timeout: 0").unwrap_err(), @"test.yml: `timeout` must be a number of seconds above 0, not `0`; for example `timeout: 60`");
    }
}
