//! `fal_project.yml`: plugins, routes and environments.

use std::{env, path::Path, time::Duration};

use fal_plugin::payload::{EnvironmentKind, EnvironmentSpec};
use serde_json::{Map, Value};

use super::{
    keys::{self, names},
    plugin_limits::{self, IsolateSetting},
    routes::{Route, route},
    runners::{self, RunnerSpec, runner},
    source::Source,
    yaml::{Kind, Node},
};
use crate::{error::ProjectError, scripts::LOCAL};

pub(super) const FILE: &str = "fal_project.yml";

/// The content of `fal_project.yml`; empty without the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FalProject {
    /// `plugins`.
    pub plugins: PluginSettings,
    /// `routes`, in order.
    pub routes: Vec<Route>,
    /// `runners`, in order.
    pub runners: Vec<RunnerSpec>,
    /// `environments`, in order.
    pub environments: Vec<EnvironmentSpec>,
}

/// The plugins of each stage. An empty chain means the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PluginSettings {
    /// Folders with the project's plugins, as written.
    pub paths: Vec<String>,
    /// The chain of Python parsers, by name or path.
    pub python_parser: Vec<String>,
    /// Notebook parsers.
    pub notebook_parser: Vec<String>,
    /// The stub writer.
    pub stub_writer: Option<String>,
    /// Execution backends.
    pub execution_backend: Vec<String>,
    /// Each plugin's options, by its name.
    pub config: Map<String, Value>,
    /// Libraries that run in a separate process.
    pub isolate: IsolateSetting,
    /// The time limit of a plugin's call; `None` for the default.
    pub timeout: Option<Duration>,
    /// The time limit of calls that do the user's work; `None` for no limit.
    pub session_timeout: Option<Duration>,
}

impl FalProject {
    /// Reads the file next to `dbt_project.yml`.
    ///
    /// # Errors
    /// If it is invalid or has an unknown key.
    pub fn read(root: &Path) -> Result<Self, ProjectError> {
        let lookup = |name: &str| env::var(name).ok();
        match Source::read(&root.join(FILE), FILE, &lookup)? {
            Some(source) => read(&source),
            None => Ok(Self::default()),
        }
    }
}

fn read(source: &Source<'_>) -> Result<FalProject, ProjectError> {
    let tree = source.tree()?;
    source.only(FILE, &tree, &names(keys::TOP, None))?;
    Ok(FalProject {
        plugins: tree.get("plugins").map_or_else(
            || Ok(PluginSettings::default()),
            |node| plugins(source, node),
        )?,
        routes: each(source, &tree, "routes", route)?,
        runners: runners::unique(source, each(source, &tree, "runners", runner)?)?,
        environments: unique(
            source,
            &tree,
            each(source, &tree, "environments", environment)?,
        )?,
    })
}

fn plugins(source: &Source<'_>, node: &Node) -> Result<PluginSettings, ProjectError> {
    source.only("`plugins`", node, &names(keys::PLUGINS, None))?;
    let strings = |key: &str| -> Result<Vec<String>, ProjectError> {
        node.get(key).map_or_else(
            || Ok(Vec::new()),
            |value| source.strings(&format!("`{key}`"), value),
        )
    };
    Ok(PluginSettings {
        paths: strings("paths")?,
        python_parser: strings("python-parser")?,
        notebook_parser: strings("notebook-parser")?,
        stub_writer: source.optional_string(node, "stub-writer")?,
        execution_backend: strings("execution-backend")?,
        config: node
            .get("config")
            .map_or_else(|| Ok(Map::new()), |value| config(source, value))?,
        isolate: plugin_limits::isolate(source, node)?,
        timeout: plugin_limits::seconds(source, node, "timeout")?,
        session_timeout: plugin_limits::seconds(source, node, "session_timeout")?,
    })
}

/// Reads the options of each plugin; the plugin's schema checks them later.
fn config(source: &Source<'_>, node: &Node) -> Result<Map<String, Value>, ProjectError> {
    match &node.kind {
        Kind::Null => Ok(Map::new()),
        Kind::Map(entries) => entries
            .iter()
            .map(|(name, _, value)| Ok((name.clone(), source.json(value)?)))
            .collect(),
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

fn environment(source: &Source<'_>, node: &Node) -> Result<EnvironmentSpec, ProjectError> {
    let kind = environment_kind(source, node)?;
    let (content, other) = match kind {
        EnvironmentKind::Venv => ("requirements", "packages"),
        EnvironmentKind::Conda => ("packages", "requirements"),
    };
    source.only(
        "an environment",
        node,
        &names(keys::ENVIRONMENT, Some(other)),
    )?;
    let name = required(source, node, "an environment", "name")?;
    if name == LOCAL {
        let message = format!(
            "`{LOCAL}` means the Python that runs dbt, so an environment cannot have this name"
        );
        return Err(source.complain(node.line, message, Some("give it another name".to_owned())));
    }
    let lines = |value: &Node| source.strings(&format!("`{content}`"), value);
    Ok(EnvironmentSpec {
        name,
        kind,
        requirements: node.get(content).map_or_else(|| Ok(Vec::new()), lines)?,
        python: python(source, node)?,
    })
}

fn environment_kind(source: &Source<'_>, node: &Node) -> Result<EnvironmentKind, ProjectError> {
    match source.optional_string(node, "type")?.as_deref() {
        None | Some("venv" | "virtualenv") => Ok(EnvironmentKind::Venv),
        Some("conda") => Ok(EnvironmentKind::Conda),
        Some(other) => {
            let line = node.get("type").map_or(node.line, |value| value.line);
            let message = format!("there is no environment type `{other}`");
            Err(source.complain(line, message, Some("it is `venv` or `conda`".to_owned())))
        }
    }
}

fn python(source: &Source<'_>, node: &Node) -> Result<Option<String>, ProjectError> {
    let Some(key) = ["python", "python_version"]
        .into_iter()
        .find(|key| node.get(key).is_some())
    else {
        return Ok(None);
    };
    let version = source.optional_string(node, key)?;
    // There is no current Python 3.1; the user wrote 3.10.
    match (node.get(key).map(|value| &value.kind), version.as_deref()) {
        (Some(Kind::Scalar(Value::Number(_))), Some("3.1" | "3.2")) => {
            let message = format!(
                "unquoted, YAML reads this version as {}",
                version.unwrap_or_default()
            );
            let line = node.get(key).map_or(node.line, |value| value.line);
            Err(source.complain(
                line,
                message,
                Some(format!("put it in quotes: `{key}: \"3.10\"`")),
            ))
        }
        _ => Ok(version),
    }
}

pub(super) fn required(
    source: &Source<'_>,
    node: &Node,
    what: &str,
    key: &str,
) -> Result<String, ProjectError> {
    let text = source
        .optional_string(node, key)?
        .filter(|text| !text.trim().is_empty());
    text.ok_or_else(|| match node.get(key) {
        Some(value) => {
            let help = format!("give it one, `{key}: ...`, or remove what it belongs to");
            source.complain(
                value.line,
                format!("the `{key}` of {what} is empty"),
                Some(help),
            )
        }
        None => source.complain(
            node.line,
            format!("{what} has no `{key}`"),
            Some(format!("add `{key}: ...`")),
        ),
    })
}

fn unique(
    source: &Source<'_>,
    tree: &Node,
    environments: Vec<EnvironmentSpec>,
) -> Result<Vec<EnvironmentSpec>, ProjectError> {
    for (index, environment) in environments.iter().enumerate() {
        if environments[..index]
            .iter()
            .any(|earlier| earlier.name == environment.name)
        {
            let line = match tree.get("environments").map(|node| &node.kind) {
                Some(Kind::List(items)) => items[index].line,
                _ => 1,
            };
            let message = format!("there are two environments called `{}`", environment.name);
            return Err(source.complain(
                line,
                message,
                Some("give one of them another name".to_owned()),
            ));
        }
    }
    Ok(environments)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<FalProject, ProjectError> {
        read(&Source::new(text, &|_| None))
    }

    #[test]
    fn configurations_of_plugins_know_the_environment() {
        let env = |name: &str| (name == "HOST").then(|| "build7".to_owned());
        let text = "plugins:\n  config:\n    a: {hosts: [\"{{ env_var('HOST') }}:1\"], braces: '{{x}}', n: 3, none: null}\n";
        let config = read(&Source::new(text, &env)).unwrap().plugins.config;
        assert_eq!(
            config["a"],
            json!({"hosts": ["build7:1"], "braces": "{{x}}", "n": 3, "none": null})
        );
        let error = parse(text).unwrap_err();
        assert!(error.to_string().contains("HOST is not set"), "{error}");
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
        assert_eq!(
            project.plugins.python_parser,
            ["fal-python-parser", "fal-python-parser-ruff"]
        );
        assert_eq!(project.plugins.execution_backend, ["fal-dbt-backend"]);
        assert_eq!(
            Value::Object(project.plugins.config),
            json!({"acme-runner": {"queue": "gpu"}})
        );
        assert_eq!(
            (project.routes[0].select.as_slice(), project.routes[0].line),
            (&["tag:gpu".to_owned()][..], 8)
        );
        assert_eq!(project.routes[0].runner, "acme-runner");
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
        let ProjectError::Invalid(diagnostic) = error else {
            panic!()
        };
        assert_eq!(diagnostic.place().unwrap().1.line, 2);
        insta::assert_snapshot!(parse("hooks: 1\n").unwrap_err().help().unwrap(), @"known are: plugins, routes, runners, environments");
    }

    #[test]
    fn what_is_missing_or_double_is_an_error() {
        insta::assert_snapshot!(parse("routes:\n  - select: a\n").unwrap_err(), @"test.yml: a route has no `runner`");
        insta::assert_snapshot!(parse("routes: 3\n").unwrap_err(), @"test.yml: `routes` must be a list, not a number");
        insta::assert_snapshot!(parse("environments:\n- name: a\n- name: a\n").unwrap_err(), @"test.yml: there are two environments called `a`");
    }

    #[test]
    fn environments_have_a_type_and_what_belongs_to_it() {
        let text = "
environments:
- { name: a, requirements: six, python: 3.11 }
- { name: b, type: conda, packages: [x=1, y], python_version: '3.10' }
- { name: c, type: virtualenv }
";
        let environments = parse(text).unwrap().environments;
        let kinds: Vec<_> = environments
            .iter()
            .map(|environment| environment.kind)
            .collect();
        assert_eq!(
            kinds,
            [
                EnvironmentKind::Venv,
                EnvironmentKind::Conda,
                EnvironmentKind::Venv
            ]
        );
        assert_eq!(
            (
                environments[0].requirements.as_slice(),
                environments[0].python.as_deref()
            ),
            (&["six".to_owned()][..], Some("3.11"))
        );
        assert_eq!(
            (
                environments[1].requirements.len(),
                environments[1].python.as_deref()
            ),
            (2, Some("3.10"))
        );
        let wrong = |text: &str| {
            let error = parse(&format!("environments:\n- {text}\n")).unwrap_err();
            format!("{error}; {}", error.help().unwrap_or_default())
        };
        insta::assert_snapshot!(wrong("{name: local}"), @"test.yml: `local` means the Python that runs dbt, so an environment cannot have this name; give it another name");
        insta::assert_snapshot!(wrong("{name: a, type: docker}"), @"test.yml: there is no environment type `docker`; it is `venv` or `conda`");
        insta::assert_snapshot!(wrong("{name: a, packages: [x]}"), @"test.yml: an environment has no key `packages`; known are: name, type, requirements, python, python_version");
        insta::assert_snapshot!(wrong("{name: a, python: 3.10}"), @r#"test.yml: unquoted, YAML reads this version as 3.1; put it in quotes: `python: "3.10"`"#);
    }
}
