//! Matches nodes against a criterion without its graph operators.

use super::criterion::Criterion;
use super::fnmatch::Pattern;
use super::glob::{Found, Glob};
use super::method::Method;
use super::name::NameMatcher;
use super::script::ScriptText;
use super::{config, resource, version};
use crate::error::SelectError;
use crate::node::Node;

/// A criterion, compiled for matching many nodes.
pub(super) enum Matcher<'a> {
    Name(NameMatcher<'a>),
    Tag(Pattern),
    Group(Pattern),
    Access(&'a str),
    Source {
        package: Pattern,
        source: Pattern,
        table: Pattern,
    },
    Path {
        found: Found<'a>,
        scripts: Option<ScriptText<'a>>,
    },
    File {
        pattern: Pattern,
        scripts: Option<ScriptText<'a>>,
    },
    /// A name that may also be a prefix of scripts' ids.
    Script(NameMatcher<'a>, ScriptText<'a>),
    Package(Pattern),
    Config(&'a Criterion),
    /// A node of a resource type by name, perhaps with its package.
    Named {
        resource_type: &'static str,
        package: Pattern,
        name: Pattern,
    },
    TestName(Pattern),
    TestType(TestType),
    ResourceType(&'a str),
    Version(&'a str),
}

#[derive(Clone, Copy)]
pub(super) enum TestType {
    Generic,
    Singular,
    Data,
    Unit,
}

/// The data that matchers look up.
pub(super) struct Surroundings<'a, F> {
    /// Name of the root project.
    pub(super) project: &'a str,
    /// Resolves a path pattern.
    pub(super) find_paths: F,
}

impl<'a> Matcher<'a> {
    /// Compiles a criterion. Returns `None` for methods that do not match single nodes.
    pub(super) fn new<F>(
        criterion: &'a Criterion,
        value: &'a str,
        around: &Surroundings<'a, F>,
    ) -> Result<Option<Self>, SelectError>
    where
        F: Fn(&Glob) -> Found<'a>,
    {
        let pattern = || Pattern::new(value);
        Ok(Some(match &criterion.method {
            Method::Fqn => Self::Name(NameMatcher::new(value)),
            Method::Tag => Self::Tag(pattern()),
            Method::Group => Self::Group(pattern()),
            Method::Access => Self::Access(value),
            Method::Source => source(criterion, value)?,
            Method::Path => {
                let glob = Glob::parse(value).ok_or_else(|| {
                    refused(
                        criterion,
                        "path",
                        value,
                        "a path or pattern below the project, with ** only as a whole folder",
                    )
                })?;
                Self::Path {
                    found: (around.find_paths)(&glob),
                    scripts: ScriptText::of_file(value),
                }
            }
            Method::File => Self::File {
                pattern: pattern(),
                scripts: ScriptText::of_file(value),
            },
            Method::Script => Self::Script(NameMatcher::new(value), ScriptText::of_id(value)),
            Method::Package => Self::Package(Pattern::new(if value == "this" {
                around.project
            } else {
                value
            })),
            Method::Config => Self::Config(criterion),
            Method::Exposure => named(criterion, "exposure", value)?,
            Method::Metric => named(criterion, "metric", value)?,
            Method::SemanticModel => named(criterion, "semantic_model", value)?,
            Method::SavedQuery => named(criterion, "saved_query", value)?,
            Method::UnitTest => named(criterion, "unit_test", value)?,
            Method::TestName => Self::TestName(pattern()),
            Method::TestType => Self::TestType(test_type(criterion, value)?),
            Method::ResourceType if resource::ALL.contains(&value) => Self::ResourceType(value),
            Method::ResourceType => {
                return Err(refused(
                    criterion,
                    "resource_type",
                    value,
                    "a resource type: model, seed, source, test, ...",
                ));
            }
            Method::Version if version::matches(&crate::GraphNode::default(), value).is_some() => {
                Self::Version(value)
            }
            Method::Version => return Err(refused(criterion, "version", value, version::EXPECTED)),
            Method::Selector | Method::External(_) => return Ok(None),
        }))
    }

    /// Returns whether the criterion matches the node.
    pub(super) fn matches(&self, node: &Node) -> bool {
        let spec = node.spec();
        if spec.resource_type == "script" {
            return self.matches_script(node);
        }
        match self {
            Self::Name(name) | Self::Script(name, _) => {
                spec.resource_type != "source" && name.matches(node)
            }
            Self::Tag(pattern) => node.tags().any(|tag| pattern.matches(tag)),
            Self::Group(pattern) => {
                let groupable = node.is_manifest_node() || spec.resource_type == "metric";
                let group = spec.config.get("group").and_then(|group| group.as_str());
                groupable && group.is_some_and(|group| !group.is_empty() && pattern.matches(group))
            }
            Self::Access(access) => {
                spec.resource_type == "model" && spec.access.as_deref() == Some(access)
            }
            Self::Source {
                package,
                source,
                table,
            } => {
                spec.resource_type == "source"
                    && package.matches(&spec.package_name)
                    && spec
                        .source_name
                        .as_deref()
                        .is_some_and(|name| source.matches(name))
                    && table.matches(&spec.name)
            }
            Self::Path { found, .. } => {
                node.files().any(|file| found.covers(file))
                    || node.patch_file().is_some_and(|file| found.has(file))
            }
            Self::File { pattern, .. } => node.files().any(|file| is_file(pattern, file)),
            Self::Package(pattern) => pattern.matches(&spec.package_name),
            Self::Config(criterion) => {
                (node.is_manifest_node() || spec.resource_type == "source")
                    && config::matches(&spec.config, &criterion.arguments, &criterion.value)
            }
            Self::Named {
                resource_type,
                package,
                name,
            } => {
                spec.resource_type == *resource_type
                    && package.matches(&spec.package_name)
                    && name.matches(&spec.name)
            }
            Self::TestName(pattern) => match spec.resource_type.as_str() {
                "test" => generic_name(node).is_some_and(|name| pattern.matches(name)),
                "unit_test" => pattern.matches(&spec.name),
                _ => false,
            },
            Self::TestType(wanted) => wanted.has(node),
            Self::ResourceType(name) => spec.resource_type == *name,
            Self::Version(wanted) => version::matches(spec, wanted) == Some(true),
        }
    }

    /// Returns whether the criterion matches a script. Only its own id, path or type does;
    /// selecting its model, folder or package does not.
    fn matches_script(&self, node: &Node) -> bool {
        match self {
            Self::Path {
                found,
                scripts: Some(text),
            } => text.finds(node) || found.covers(node.file()),
            Self::File {
                pattern,
                scripts: Some(text),
            } => text.finds(node) || is_file(pattern, node.file()),
            Self::Script(_, text) => text.finds(node),
            Self::ResourceType(name) => *name == "script",
            _ => false,
        }
    }
}

impl TestType {
    fn has(self, node: &Node) -> bool {
        let is_test = node.resource_type() == "test";
        match self {
            Self::Generic => is_test && generic_name(node).is_some(),
            Self::Singular => is_test && generic_name(node).is_none(),
            Self::Data => is_test,
            Self::Unit => node.resource_type() == "unit_test",
        }
    }
}

/// Returns the name of a generic test: `not_null`.
fn generic_name(node: &Node) -> Option<&str> {
    node.spec()
        .extra
        .get("test_metadata")?
        .get("name")?
        .as_str()
}

/// Returns whether the value is the file's name, with or without its ending.
fn is_file(pattern: &Pattern, file: &str) -> bool {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.is_empty() => stem,
        _ => name,
    };
    pattern.matches(name) || pattern.matches(stem)
}

fn source<'a>(criterion: &Criterion, value: &str) -> Result<Matcher<'a>, SelectError> {
    let parts: Vec<&str> = value.split('.').collect();
    let (package, source, table) = match parts[..] {
        [source] => ("*", source, "*"),
        [source, table] => ("*", source, table),
        [package, source, table] => (package, source, table),
        _ => {
            return Err(refused(
                criterion,
                "source",
                value,
                "source, source.table or package.source.table",
            ));
        }
    };
    Ok(Matcher::Source {
        package: Pattern::new(package),
        source: Pattern::new(source),
        table: Pattern::new(table),
    })
}

fn named<'a>(
    criterion: &Criterion,
    method: &'static str,
    value: &str,
) -> Result<Matcher<'a>, SelectError> {
    let parts: Vec<&str> = value.split('.').collect();
    let (package, name) = match parts[..] {
        [name] => ("*", name),
        [package, name] => (package, name),
        _ => return Err(refused(criterion, method, value, "name or package.name")),
    };
    Ok(Matcher::Named {
        resource_type: method,
        package: Pattern::new(package),
        name: Pattern::new(name),
    })
}

fn test_type(criterion: &Criterion, value: &str) -> Result<TestType, SelectError> {
    match value {
        "generic" | "schema" => Ok(TestType::Generic),
        "singular" => Ok(TestType::Singular),
        "data" => Ok(TestType::Data),
        "unit" => Ok(TestType::Unit),
        _ => Err(refused(
            criterion,
            "test_type",
            value,
            "generic, singular, data or unit",
        )),
    }
}

fn refused(
    criterion: &Criterion,
    method: &'static str,
    value: &str,
    expected: &'static str,
) -> SelectError {
    SelectError::Value {
        expression: criterion.raw.clone(),
        method,
        value: value.to_owned(),
        expected,
    }
}
