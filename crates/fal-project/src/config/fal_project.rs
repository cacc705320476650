//! `fal_project.yml`: plugins, routes and environments.

use std::{env, path::Path};

use serde_json::{Map, Value};

use super::{
    source::Source,
    yaml::{Kind, Node},
};
use crate::error::ProjectError;

const FILE: &str = "fal_project.yml";

/// What `fal_project.yml` says; without the file, nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FalProject {
    /// `plugins`.
    pub plugins: PluginSettings,
    /// `routes`, in order.
    pub routes: Vec<Route>,
    /// `environments`, in order.
    pub environments: Vec<Environment>,
}

/// Which plugin does what. An empty chain means the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginSettings {
    /// Folders with plugins of the project's own, as written.
    pub paths: Vec<String>,
    /// The chain of Python parsers: names or paths.
    pub python_parser: Vec<String>,
    /// Notebook parsers.
    pub notebook_parser: Vec<String>,
    /// The stub writer.
    pub stub_writer: Option<String>,
    /// Execution backends.
    pub execution_backend: Vec<String>,
    /// Plugin's name to its options.
    pub config: Map<String, Value>,
}

/// Which runner takes which models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// A selection as on the command line.
    pub select: String,
    /// Name of the backend.
    pub runner: String,
}

/// A Python environment for models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Its type (`venv`).
    pub kind: String,
    /// What is installed.
    pub requirements: Vec<String>,
    /// Version of Python.
    pub python: Option<String>,
}

impl FalProject {
    /// Reads the file next to `dbt_project.yml`.
    ///
    /// # Errors
    /// If it makes no sense or has a key that is not known.
    pub fn read(root: &Path) -> Result<Self, ProjectError> {
        let lookup = |name: &str| env::var(name).ok();
        match Source::read(&root.join(FILE), &lookup)? {
            Some(source) => read(&source),
            None => Ok(Self::default()),
        }
    }
}

fn read(source: &Source<'_>) -> Result<FalProject, ProjectError> {
    let tree = source.tree()?;
    source.only(FILE, &tree, &["plugins", "routes", "environments"])?;
    Ok(FalProject {
        plugins: tree.get("plugins").map_or_else(|| Ok(PluginSettings::default()), |node| plugins(source, node))?,
        routes: each(source, &tree, "routes", route)?,
        environments: unique(source, &tree, each(source, &tree, "environments", environment)?)?,
    })
}

fn plugins(source: &Source<'_>, node: &Node) -> Result<PluginSettings, ProjectError> {
    let known = ["paths", "python-parser", "notebook-parser", "stub-writer", "execution-backend", "config"];
    source.only("`plugins`", node, &known)?;
    let strings = |key: &str| -> Result<Vec<String>, ProjectError> {
        node.get(key).map_or_else(|| Ok(Vec::new()), |value| source.strings(&format!("`{key}`"), value))
    };
    Ok(PluginSettings {
        paths: strings("paths")?,
        python_parser: strings("python-parser")?,
        notebook_parser: strings("notebook-parser")?,
        stub_writer: source.optional_string(node, "stub-writer")?,
        execution_backend: strings("execution-backend")?,
        config: node.get("config").map_or_else(|| Ok(Map::new()), |value| config(source, value))?,
    })
}

/// Options of each plugin; a plugin's own schema checks them later.
fn config(source: &Source<'_>, node: &Node) -> Result<Map<String, Value>, ProjectError> {
    match &node.kind {
        Kind::Null => Ok(Map::new()),
        Kind::Map(entries) => Ok(entries.iter().map(|(name, _, value)| (name.clone(), value.json())).collect()),
        _ => Err(source.wrong("`config`", node, "a mapping of plugin names")),
    }
}

fn each<T>(
    source: &Source<'_>,
    tree: &Node,
    key: &str,
    one: fn(&Source<'_>, &Node) -> Result<T, ProjectError>,
) -> Result<Vec<T>, ProjectError> {
    match tree.get(key).map(|node| (node, &node.kind)) {
        None | Some((_, Kind::Null)) => Ok(Vec::new()),
        Some((_, Kind::List(items))) => items.iter().map(|item| one(source, item)).collect(),
        Some((node, _)) => Err(source.wrong(&format!("`{key}`"), node, "a list")),
    }
}

fn route(source: &Source<'_>, node: &Node) -> Result<Route, ProjectError> {
    source.only("a route", node, &["select", "runner"])?;
    Ok(Route {
        select: required(source, node, "a route", "select")?,
        runner: required(source, node, "a route", "runner")?,
    })
}

fn environment(source: &Source<'_>, node: &Node) -> Result<Environment, ProjectError> {
    source.only("an environment", node, &["name", "type", "requirements", "python"])?;
    let requirements = node.get("requirements");
    Ok(Environment {
        name: required(source, node, "an environment", "name")?,
        kind: source.optional_string(node, "type")?.unwrap_or_else(|| "venv".to_owned()),
        requirements: requirements.map_or_else(|| Ok(Vec::new()), |value| source.strings("`requirements`", value))?,
        python: source.optional_string(node, "python")?,
    })
}

fn required(source: &Source<'_>, node: &Node, what: &str, key: &str) -> Result<String, ProjectError> {
    let missing = || source.complain(node.line, format!("{what} has no `{key}`"), Some(format!("add `{key}: ...`")));
    source.optional_string(node, key)?.ok_or_else(missing)
}

fn unique(source: &Source<'_>, tree: &Node, environments: Vec<Environment>) -> Result<Vec<Environment>, ProjectError> {
    for (index, environment) in environments.iter().enumerate() {
        if environments[..index].iter().any(|earlier| earlier.name == environment.name) {
            let line = match tree.get("environments").map(|node| &node.kind) {
                Some(Kind::List(items)) => items[index].line,
                _ => 1,
            };
            let message = format!("there are two environments called `{}`", environment.name);
            return Err(source.complain(line, message, Some("give one of them another name".to_owned())));
        }
    }
    Ok(environments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<FalProject, ProjectError> {
        read(&Source::of(text, &|_| None))
    }

    #[test]
    fn the_example_of_the_documentation_is_read() {
        let text = r#"
plugins:
  paths: [./runners]
  python-parser: [fal-python-parser, fal-python-parser-ruff]
  execution-backend: fal-dbt-backend
  config: { acme-runner: { queue: gpu } }
routes:
  - { select: "tag:gpu", runner: acme-runner }
environments:
  - { name: forecasting, type: venv, requirements: [prophet==1.1.6], python: "3.11" }
"#;
        let project = parse(text).unwrap();
        assert_eq!(project.plugins.python_parser, ["fal-python-parser", "fal-python-parser-ruff"]);
        assert_eq!(project.plugins.execution_backend, ["fal-dbt-backend"]);
        assert_eq!(Value::Object(project.plugins.config), json!({"acme-runner": {"queue": "gpu"}}));
        assert_eq!(project.routes, [Route { select: "tag:gpu".into(), runner: "acme-runner".into() }]);
        assert_eq!(project.environments[0].requirements, ["prophet==1.1.6"]);
        assert_eq!(project.environments[0].python.as_deref(), Some("3.11"));
    }

    #[test]
    fn an_empty_file_is_as_none() {
        assert_eq!(parse("").unwrap(), FalProject::default());
        assert_eq!(parse("plugins:\nroutes:\n").unwrap(), FalProject::default());
    }

    #[test]
    fn unknown_keys_are_errors_with_the_nearest_name() {
        let error = parse("plugins:\n  python_parser: x\n").unwrap_err();
        insta::assert_snapshot!(error, @"test.yml: `plugins` has no key `python_parser`");
        insta::assert_snapshot!(error.help().unwrap(), @"did you mean `python-parser`?");
        let ProjectError::Invalid(diagnostic) = error else { panic!() };
        assert_eq!(diagnostic.place().unwrap().1.line, 2);
        insta::assert_snapshot!(parse("hooks: 1\n").unwrap_err().help().unwrap(), @"known are: plugins, routes, environments");
    }

    #[test]
    fn what_is_missing_or_double_is_an_error() {
        insta::assert_snapshot!(parse("routes:\n  - select: a\n").unwrap_err(), @"test.yml: a route has no `runner`");
        insta::assert_snapshot!(parse("routes: 3\n").unwrap_err(), @"test.yml: `routes` must be a list, not a number");
        insta::assert_snapshot!(parse("environments:\n- name: a\n- name: a\n").unwrap_err(), @"test.yml: there are two environments called `a`");
    }
}
